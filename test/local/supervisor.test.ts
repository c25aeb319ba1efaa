import { expect, test } from 'vitest';
import type { ManagedProcess, ProcessSpec, ReadyFacts } from '../../src/local/index.js';
import { supervise } from '../../src/local/index.js';
import { createLogger } from '../../src/shared/logger.js';
import { createManualClock } from '../helpers/manual-clock.js';

const spec: ProcessSpec = {
  name: 'part',
  command: 'unused',
  args: [],
  env: {},
  ready: { by: 'message' },
  stopSignal: 'SIGTERM',
};

/** Processes whose life the test drives. */
function createScene() {
  const clock = createManualClock();
  const log: { level: number; part?: string; msg: string }[] = [];
  const started: {
    becomeReady(facts: ReadyFacts): void;
    end(how: string): void;
    giveUp(why: string): void;
    signals: string[];
  }[] = [];
  const deps = {
    clock,
    random: () => 0.5,
    logger: createLogger('test', 'warn', { write: (line) => void log.push(JSON.parse(line) as (typeof log)[number]) }),
    start: (): ManagedProcess => {
      let becomeReady: (facts: ReadyFacts) => void = () => {};
      let end: (how: string) => void = () => {};
      const signals: string[] = [];
      const ready = new Promise<ReadyFacts>((resolve) => {
        becomeReady = resolve;
      });
      const ended = new Promise<string>((resolve) => {
        end = resolve;
      });
      let hopeless: string | undefined;
      const giveUp = (why: string) => {
        hopeless = why;
        end('exit code 1');
      };
      started.push({ becomeReady, end, giveUp, signals });
      return { pid: started.length, ready, ended, hopeless: () => hopeless, signal: (name) => void signals.push(name) };
    },
  };
  /** Lets every promise that can go on go on. */
  const settle = async () => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  const at = (index: number) => started[index] as (typeof started)[number];
  return { clock, deps, log, started, at, settle };
}

test('a part that ends is started again, each time after a longer wait', async () => {
  const { clock, deps, started, at, settle } = createScene();
  const supervising = supervise(deps, spec);
  await settle();
  at(0).becomeReady({ url: 'here' });
  const { process, facts } = await supervising;
  expect(facts).toEqual({ url: 'here' });

  const waits: number[] = [];
  for (let index = 0; index < 4; index++) {
    at(index).end('exit code 1');
    await settle();
    let waitedMs = 0;
    while (started.length === index + 1) {
      clock.advance(10);
      waitedMs += 10;
      await settle();
    }
    waits.push(waitedMs);
  }
  expect(process.restarts).toBe(4);
  expect(waits).toEqual([...waits].sort((a, b) => a - b));
  expect(waits[3]).toBeGreaterThan((waits[0] as number) * 2);
});

test('a part that had started is started again however often it ends', async () => {
  const { clock, deps, started, at, settle } = createScene();
  const supervising = supervise(deps, spec, 3);
  await settle();
  at(0).becomeReady({});
  await supervising;
  for (let index = 0; index < 12; index++) {
    at(index).end('exit code 1');
    await settle();
    clock.advance(60_000);
    await settle();
  }
  expect(started).toHaveLength(13);
});

test('a part that never becomes ready is given up after some tries, with its name', async () => {
  const { clock, deps, at, started, settle } = createScene();
  const supervising = supervise(deps, spec, 3);
  supervising.catch(() => {});
  for (let index = 0; index < 3; index++) {
    await settle();
    at(index).end('exit code 1');
    await settle();
    clock.advance(60_000);
  }
  await expect(supervising).rejects.toMatchObject({ code: 'PS_LOCAL_START', facts: { part: 'part' } });
  await settle();
  expect(started).toHaveLength(3);
});

test('a part that does not stop when asked is killed at the deadline, as the log says, and not started again', async () => {
  const { clock, deps, log, at, started, settle } = createScene();
  const supervising = supervise(deps, spec);
  await settle();
  at(0).becomeReady({});
  const { process } = await supervising;
  const stopping = process.stop(5_000);
  await settle();
  expect(at(0).signals).toEqual(['SIGTERM']);
  clock.advance(5_000);
  expect(at(0).signals).toEqual(['SIGTERM', 'SIGKILL']);
  expect(log).toMatchObject([{ part: 'part', deadlineMs: 5_000, msg: 'a part did not stop in time: it is killed' }]);
  at(0).end('signal SIGKILL');
  await stopping;
  expect(started).toHaveLength(1);
});

test('of a start that is given up a part that is not ready is stopped, and none is started any more', async () => {
  const { clock, deps, at, started, settle } = createScene();
  const giveUp = new AbortController();
  const supervising = supervise({ ...deps, givenUp: giveUp.signal }, spec);
  supervising.catch(() => {});
  await settle();
  giveUp.abort();
  await settle();
  expect(at(0).signals).toEqual(['SIGTERM']);
  clock.advance(1_000);
  expect(at(0).signals).toEqual(['SIGTERM', 'SIGKILL']);
  at(0).end('signal SIGKILL');
  await expect(supervising).rejects.toMatchObject({ code: 'PS_LOCAL_START' });
  await expect(supervise({ ...deps, givenUp: giveUp.signal }, spec)).rejects.toMatchObject({ code: 'PS_LOCAL_START' });
  clock.advance(60_000);
  await settle();
  expect(started).toHaveLength(1);
});

test('a part that is ready goes on when the start of the others is given up', async () => {
  const { deps, at, settle } = createScene();
  const giveUp = new AbortController();
  const supervising = supervise({ ...deps, givenUp: giveUp.signal }, spec);
  await settle();
  at(0).becomeReady({});
  await supervising;
  giveUp.abort();
  await settle();
  expect(at(0).signals).toEqual([]);
});

test('a part that says that another start would not help is not started again, and is told of by what it says', async () => {
  const { clock, deps, started, at, settle } = createScene();
  const supervising = supervise(deps, spec);
  await settle();
  at(0).becomeReady({});
  const { process } = await supervising;
  at(0).end('signal SIGABRT');
  await settle();
  clock.advance(60_000);
  await settle();
  at(1).giveUp('the disk is damaged');
  await settle();
  clock.advance(600_000);
  await settle();
  expect(started).toHaveLength(2);
  await process.stop(1000);

  const another = createScene();
  const first = supervise(another.deps, spec);
  await another.settle();
  another.at(0).giveUp('the disk is damaged');
  await expect(first).rejects.toMatchObject({
    code: 'PS_LOCAL_START',
    message: expect.stringContaining('the disk is damaged') as string,
  });
  expect(another.started).toHaveLength(1);
});
