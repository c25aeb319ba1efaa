import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SpooledItem } from '../../../src/gateway/publish/passenger.js';
import { createSpooledLane } from '../../../src/gateway/publish/spooled-lane.js';
import type { Outcome } from '../../../src/gateway/publish/ticket.js';
import { openSpool } from '../../../src/gateway/spool/index.js';
import { PublishError, type PublishErrorCode } from '../../../src/messaging/index.js';
import { createLogger } from '../../../src/shared/logger.js';
import { createTurns } from '../../../src/shared/turns.js';
import { createManualClock } from '../../helpers/manual-clock.js';
import { createMemoryDisk } from '../spool/memory-store.js';

const TIMEOUT_MS = 10_000;
const PATIENCE_MS = 2_000;

interface Item extends SpooledItem {
  readonly name: string;
}

interface Sending {
  readonly names: readonly string[];
  resolve(count: number): void;
  reject(error: Error): void;
}

/** A lane over a broker that answers when, and as, the test says; `start` again is a restart on the same disk. */
function createRig(spoolBytes = 1_000_000) {
  const clock = createManualClock();
  const disk = createMemoryDisk();
  /** What the broker has, in the order in which it came. */
  const arrived: string[] = [];
  const outcomes = new Map<string, Outcome>();
  const aside: string[] = [];
  let sending: Sending[] = [];
  let up = true;
  let next = 0;

  async function start() {
    // What was on its way when the process ended is nobody's.
    const alive = { here: true };
    sending = [];
    /** A process that is gone writes nothing more. */
    const openStore = async () => {
      const store = await disk.open();
      const write: typeof store.write = (writes) => (alive.here ? store.write(writes) : new Promise(() => {}));
      return { ...store, write };
    };
    const spool = await openSpool(
      { clock, random: () => 0.5, logger: createLogger('test', 'silent'), openStore },
      { bytes: spoolBytes, ageMs: 3_600_000 },
    );
    const send = (names: readonly string[]) =>
      new Promise<number>((resolve, reject) => void sending.push({ names, resolve, reject }));
    const lane = createSpooledLane<Item>(
      {
        clock,
        defer: (task) => void setImmediate(task),
        spool: spool.lane('hub:clicks', '0'),
        isUp: () => up && alive.here,
        onError: () => {
          up = false;
        },
        send: (items) => send(items.map(({ name }) => name)),
        sendRecords: (bodies) => send(bodies.map(String)),
        recordOverheadBytes: 0,
        drainInTurn: createTurns(),
        onRefused: ({ key }) => void aside.push(key),
        onSpoolError: () => {},
      },
      {
        maxBatchBytes: 60,
        timeoutMs: TIMEOUT_MS,
        pipelineBytes: 30,
        breaker: { minMs: PATIENCE_MS, maxMs: PATIENCE_MS },
      },
    );
    return { alive, lane, spool };
  }

  let current = start();
  const settled = async () => {
    for (let turn = 0; turn < 12; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    clock,
    disk,
    arrived,
    outcomes,
    aside,
    settled,
    inFlight: () => sending.map(({ names }) => names),
    async add(count = 1) {
      const { lane, alive } = await current;
      const names = Array.from({ length: count }, () => `item-${String(next++).padStart(4, '0')}`);
      for (const name of names) {
        lane.add({
          name,
          bytes: 10,
          deadlineMs: Number.POSITIVE_INFINITY,
          toRecord: () => Buffer.from(name),
          settle(outcome) {
            if (!alive.here) return;
            if (outcomes.has(name)) throw new Error(`${name} was settled twice`);
            outcomes.set(name, outcome);
          },
        });
      }
      await settled();
      return names;
    },
    /**
     * The broker answers the oldest batch that is in flight: a link is ordered. A failure is that of the connection, and
     * all that is in flight shares it, but for what is too large.
     */
    async answer(what: 'takes' | 'takes one' | 'takes and is lost' | PublishErrorCode) {
      const [batch] = sending.splice(0, 1);
      if (batch === undefined) return;
      // What did not fit goes behind a batch that is in flight already; so it is seen only where there is none.
      const taken = what === 'takes one' && sending.length === 0 ? 1 : batch.names.length;
      if (what.startsWith('takes')) arrived.push(...batch.names.slice(0, taken));
      if (what === 'takes' || what === 'takes one') batch.resolve(taken);
      else {
        const code = what === 'takes and is lost' ? 'PS_PUBLISH_UNAVAILABLE' : what;
        const lost = code === 'PS_PUBLISH_TOO_LARGE' ? [] : sending.splice(0);
        for (const one of [batch, ...lost]) one.reject(new PublishError(code, 'as the test says'));
      }
      await settled();
    },
    async setUp(isUp: boolean) {
      up = isUp;
      if (isUp) (await current).lane.resume();
      await settled();
    },
    async pass(ms: number) {
      clock.advance(ms);
      await settled();
    },
    /** `kill -9`: nothing of the process goes on, and another one starts on what is on disk. */
    async crash() {
      (await current).alive.here = false;
      current = start();
      await current;
      await settled();
    },
    async close() {
      await (await current).lane.close();
    },
    /** The broker is there and takes everything, until nothing is left. */
    async finish() {
      disk.full = false;
      for (let round = 0; round < 400; round++) {
        await this.setUp(true);
        if (sending.length > 0) await this.answer('takes');
        else if ((await current).lane.isIdle() && disk.entries.size === 0) return;
        // Whatever waits for a time: the disk to be opened again, a send without an answer.
        else await this.pass(20_000);
      }
      throw new Error('never finished');
    },
  };
}

type Rig = ReturnType<typeof createRig>;
const firstArrivals = (rig: Rig) => [...new Set(rig.arrived)];

describe('a lane with a spool', () => {
  it('does not touch the disk while its broker takes what comes', async () => {
    const rig = createRig();
    const names = await rig.add(3);
    await rig.answer('takes');
    expect(names.map((name) => rig.outcomes.get(name))).toEqual(['broker', 'broker', 'broker']);
    expect(rig.disk.entries.size).toBe(0);
  });

  it('accepts on disk what a broker that went away did not take, and what comes after, and sends it in order', async () => {
    const rig = createRig();
    await rig.add(2);
    const waiting = await rig.add(2);
    await rig.answer('PS_PUBLISH_UNAVAILABLE');
    const later = await rig.add(2);
    expect([...rig.outcomes.values()]).toEqual(Array(6).fill('spool'));
    expect([...waiting, ...later].every((name) => rig.outcomes.get(name) === 'spool')).toBe(true);
    await rig.finish();
    expect(rig.arrived).toEqual(['item-0000', 'item-0001', ...waiting, ...later]);
    await rig.add(1);
    await rig.answer('takes');
    expect(rig.outcomes.get('item-0006')).toBe('broker');
  });

  it('comes back to its broker under a steady load: what comes while the last of the disk is sent follows without it', async () => {
    const rig = createRig();
    await rig.setUp(false);
    await rig.add(2);
    await rig.setUp(true);
    expect(rig.inFlight()).toEqual([['item-0000', 'item-0001']]);
    const [meanwhile] = await rig.add(1);
    expect(rig.outcomes.has(meanwhile as string)).toBe(false);
    await rig.answer('takes');
    expect(rig.disk.entries.size).toBe(0);
    expect(rig.inFlight()).toEqual([[meanwhile]]);
    await rig.answer('takes');
    expect(rig.outcomes.get(meanwhile as string)).toBe('broker');
  });

  it.each([
    ['is slow', async (rig: Rig) => rig.pass(PATIENCE_MS)],
    ['is lost', async (rig: Rig) => rig.answer('PS_PUBLISH_UNAVAILABLE')],
  ])('lets nobody wait for the last of the disk when its broker %s', async (_what, go) => {
    const rig = createRig();
    await rig.setUp(false);
    await rig.add(1);
    await rig.setUp(true);
    const [meanwhile] = await rig.add(1);
    await go(rig);
    expect(rig.outcomes.get(meanwhile as string)).toBe('spool');
    await rig.finish();
    expect(firstArrivals(rig)).toEqual(['item-0000', meanwhile]);
  });

  it('puts what is in flight on disk before what comes while its broker is away, whenever that fails', async () => {
    const rig = createRig();
    await rig.add(2);
    await rig.setUp(false);
    const [later] = await rig.add(1);
    expect([...rig.outcomes.values()]).toEqual(['spool', 'spool', 'spool']);
    await rig.answer('PS_PUBLISH_UNAVAILABLE');
    await rig.finish();
    expect(rig.arrived).toEqual(['item-0000', 'item-0001', later]);
  });

  it('lets what comes go to the disk at once while there is more on it than one batch', async () => {
    const rig = createRig();
    await rig.setUp(false);
    for (let count = 0; count < 7; count++) await rig.add(1);
    await rig.setUp(true);
    expect(rig.inFlight()[0]).toHaveLength(6);
    const [meanwhile] = await rig.add(1);
    expect(rig.outcomes.get(meanwhile as string)).toBe('spool');
    await rig.finish();
    expect(rig.arrived).toHaveLength(8);
  });

  it('does not let anybody wait for a broker that has become slow, and takes from the disk what it settles after all', async () => {
    const rig = createRig();
    await rig.add(2);
    await rig.pass(PATIENCE_MS - 1);
    expect(rig.outcomes.size).toBe(0);
    await rig.pass(1);
    expect([...rig.outcomes.values()]).toEqual(['spool', 'spool']);
    await rig.add(1);
    await rig.answer('takes');
    expect(rig.inFlight()).toEqual([['item-0002']]);
    await rig.finish();
    expect(rig.arrived).toEqual(['item-0000', 'item-0001', 'item-0002']);
  });

  it('lets nobody wait for a broker that has become slow while the clock was set back', async () => {
    const rig = createRig();
    await rig.add(1);
    await rig.pass(PATIENCE_MS - 100);
    rig.clock.jump(-3_600_000);
    await rig.pass(100);
    expect([...rig.outcomes.values()]).toEqual(['spool']);
  });

  it('a full disk refuses what it cannot hold, claims nothing, and goes on when there is room again', async () => {
    const rig = createRig();
    await rig.setUp(false);
    await rig.add(1);
    rig.disk.full = true;
    const refused = await rig.add(2);
    expect(refused.map((name) => rig.outcomes.get(name))).toEqual(['overloaded', 'overloaded']);
    rig.disk.full = false;
    await rig.pass(60_000);
    const [later] = await rig.add(1);
    expect(rig.outcomes.get(later as string)).toBe('spool');
    await rig.finish();
    expect(rig.arrived).toEqual(['item-0000', later]);
  });

  it('takes no more than it may hold', async () => {
    const rig = createRig(25);
    await rig.setUp(false);
    const names = await rig.add(3);
    expect(names.map((name) => rig.outcomes.get(name))).toEqual(['spool', 'spool', 'overloaded']);
  });

  it('a record that its broker will never take is set aside and holds up nothing', async () => {
    const rig = createRig();
    await rig.setUp(false);
    await rig.add(3);
    await rig.setUp(true);
    expect(rig.inFlight()).toEqual([['item-0000', 'item-0001', 'item-0002']]);
    await rig.answer('PS_PUBLISH_TOO_LARGE');
    expect(rig.inFlight()).toEqual([['item-0000']]);
    await rig.answer('PS_PUBLISH_TOO_LARGE');
    await rig.answer('takes');
    expect(rig.arrived).toEqual(['item-0001', 'item-0002']);
    expect(rig.aside).toHaveLength(1);
    expect([...rig.disk.entries.keys()]).toEqual([expect.stringContaining('!aside/')]);
  });

  it('puts on disk what still waits when it is closed', async () => {
    const rig = createRig();
    await rig.add(1);
    await rig.add(2);
    await rig.close();
    expect([...rig.outcomes.values()]).toEqual(['spool', 'spool', 'spool']);
    await rig.crash();
    await rig.finish();
    expect(rig.arrived).toEqual(['item-0000', 'item-0001', 'item-0002']);
  });

  it('puts on disk what is in flight when it is closed, though nothing waits behind it', async () => {
    const rig = createRig();
    await rig.add(2);
    expect(rig.inFlight()).toEqual([['item-0000', 'item-0001']]);
    await rig.close();
    expect([...rig.outcomes.values()]).toEqual(['spool', 'spool']);
  });

  it('whatever becomes of broker, disk and process, what was accepted arrives, in order, and each is settled once', async () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ add: fc.integer({ min: 1, max: 4 }) }) },
      {
        weight: 6,
        arbitrary: fc.record({
          answer: fc.constantFrom(
            'takes',
            'takes one',
            'takes and is lost',
            'PS_PUBLISH_UNAVAILABLE',
            'PS_PUBLISH_TIMEOUT',
          ),
        }),
      },
      { weight: 2, arbitrary: fc.record({ up: fc.boolean() }) },
      { weight: 2, arbitrary: fc.record({ passMs: fc.constantFrom(100, PATIENCE_MS, TIMEOUT_MS) }) },
      fc.record({ full: fc.boolean() }),
      fc.record({ crash: fc.constant(true) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const rig = createRig();
        for (const one of steps) {
          if ('add' in one) await rig.add(one.add);
          else if ('answer' in one) await rig.answer(one.answer as 'takes');
          else if ('up' in one) await rig.setUp(one.up);
          else if ('passMs' in one) await rig.pass(one.passMs);
          else if ('full' in one) rig.disk.full = one.full;
          // A process that starts while the disk is full does not start.
          else if (!rig.disk.full) await rig.crash();
        }
        await rig.finish();
        const accepted = [...rig.outcomes].filter(([, outcome]) => outcome === 'spool' || outcome === 'broker');
        const there = new Set(rig.arrived);
        expect(accepted.filter(([name]) => !there.has(name))).toEqual([]);
        const order = firstArrivals(rig).filter(
          (name) => rig.outcomes.get(name) === 'spool' || rig.outcomes.get(name) === 'broker',
        );
        expect(order).toEqual([...order].sort());
      }),
      { numRuns: 1000 },
    );
  });
});
