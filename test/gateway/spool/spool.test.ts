import { expect, it } from 'vitest';
import { openSpool, type SpoolStore } from '../../../src/gateway/spool/index.js';
import { createLogger } from '../../../src/shared/logger.js';
import { createManualClock } from '../../helpers/manual-clock.js';
import { createMemoryDisk } from './memory-store.js';

const turns = async () => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
};

it('never looks empty while it finds out, after a failure, what is in it: nothing may overtake that', async () => {
  const clock = createManualClock();
  const disk = createMemoryDisk();
  let mayRead: Promise<void> = Promise.resolve();
  const openStore = async (): Promise<SpoolStore> => {
    const store = await disk.open();
    return {
      ...store,
      async *keys(from, to) {
        await mayRead;
        yield* store.keys(from, to);
      },
    };
  };
  const spool = await openSpool(
    { clock, random: () => 0.5, logger: createLogger('test', 'silent'), openStore },
    { bytes: 1_000, ageMs: 60_000 },
  );
  const lane = spool.lane('hub:clicks', '0');
  await lane.append(Buffer.from('first'));
  disk.full = true;
  await expect(lane.append(Buffer.from('second'))).rejects.toMatchObject({ code: 'PS_SPOOL_UNUSABLE' });
  disk.full = false;
  let go = () => {};
  mayRead = new Promise((resolve) => {
    go = resolve;
  });
  clock.advance(30_000);
  await turns();
  expect(lane.isEmpty()).toBe(false);
  go();
  await turns();
  expect(lane.size()).toEqual({ records: 1, bytes: 5 });
  expect((await lane.read(1_000, 0)).map(({ body }) => String(body))).toEqual(['first']);
  await lane.remove(await lane.read(1_000, 0));
  expect(lane.isEmpty()).toBe(true);
  await spool.close();
});

it('tells of what waits that it waits, also when the clock was set back meanwhile', async () => {
  const clock = createManualClock();
  const disk = createMemoryDisk();
  const open = () =>
    openSpool(
      { clock, random: () => 0.5, logger: createLogger('test', 'silent'), openStore: disk.open },
      { bytes: 1_000, ageMs: 60_000 },
    );
  const of = { destination: 'hub:clicks', lane: '0' };
  const spool = await open();
  const lane = spool.lane(of.destination, of.lane);
  await lane.append(Buffer.from('before'));
  clock.jump(-3_600_000);
  const span = { fromMs: clock.now(), toMs: clock.now() };
  await lane.append(Buffer.from('after'));
  expect(spool.stateOf(of, span)).toBe('waiting');
  await spool.close();

  const next = await open();
  expect(next.stateOf(of, span)).toBe('waiting');
  const again = next.lane(of.destination, of.lane);
  await again.remove((await again.read(1_000, 0)).slice(0, 1));
  expect(next.stateOf(of, span)).toBe('waiting');
  await again.remove(await again.read(1_000, 0));
  expect(next.stateOf(of, span)).toBe('delivered');
  await next.close();
});

it('takes nothing more while its disk is nearly full, and goes on to be emptied', async () => {
  const clock = createManualClock();
  const disk = createMemoryDisk();
  const spool = await openSpool(
    { clock, random: () => 0.5, logger: createLogger('test', 'silent'), openStore: disk.open },
    { bytes: 1_000, ageMs: 60_000 },
  );
  const lane = spool.lane('hub:clicks', '0');
  await lane.append(Buffer.from('first'));
  disk.freeBytes = 100 * 1024 * 1024;
  clock.advance(1_000);
  await turns();
  await expect(lane.append(Buffer.from('second'))).rejects.toMatchObject({ code: 'PS_SPOOL_FULL' });
  expect([spool.hasRoom('hub:clicks', 1), spool.isUsable()]).toEqual([false, true]);
  await lane.remove(await lane.read(1_000, 0));
  expect([lane.isEmpty(), disk.compactions]).toEqual([true, 1]);
  disk.freeBytes = 200 * 1024 * 1024;
  clock.advance(1_000);
  await turns();
  await lane.append(Buffer.from('third'));
  expect((await lane.read(1_000, 0)).map(({ body }) => String(body))).toEqual(['third']);
  await spool.close();
});
