import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLane, type LaneItem } from '../../../src/gateway/publish/lane.js';
import type { Outcome } from '../../../src/gateway/publish/ticket.js';
import { PublishError, type PublishErrorCode } from '../../../src/messaging/index.js';
import { createManualClock } from '../../helpers/manual-clock.js';

interface Item extends LaneItem {
  readonly name: number;
}

const MAX_BATCH_BYTES = 100;
const TIMEOUT_MS = 1000;
const FOREVER_MS = Number.POSITIVE_INFINITY;

/** A lane whose broker answers when, and as, the test says. */
function createRig() {
  const clock = createManualClock();
  const deferred: (() => void)[] = [];
  const sent: Item[][] = [];
  const errors: PublishErrorCode[] = [];
  const settled = new Map<number, Outcome>();
  let answer: { resolve: (count: number) => void; reject: (error: Error) => void } | undefined;
  let nextName = 0;
  const lane = createLane<Item>(
    {
      clock,
      defer: (task) => void deferred.push(task),
      onError: (error) => void errors.push(error.code),
      send: (items) => {
        if (answer !== undefined) throw new Error('two batches in flight');
        sent.push([...items]);
        return new Promise((resolve, reject) => {
          answer = { resolve, reject };
        });
      },
    },
    { maxBatchBytes: MAX_BATCH_BYTES, timeoutMs: TIMEOUT_MS },
  );
  return {
    clock,
    lane,
    sent,
    errors,
    settled,
    inFlight: () => answer !== undefined,
    add(bytes: number, deadlineMs = FOREVER_MS) {
      const name = nextName++;
      const settle = (outcome: Outcome) => {
        if (settled.has(name)) throw new Error('settled twice');
        settled.set(name, outcome);
      };
      lane.add({ name, bytes, deadlineMs, settle });
      return name;
    },
    runDeferred() {
      for (const task of deferred.splice(0)) task();
    },
    async answerWith(outcome: number | PublishErrorCode) {
      const pending = answer;
      answer = undefined;
      if (typeof outcome === 'number') pending?.resolve(outcome);
      else pending?.reject(new PublishError(outcome, 'as the test says'));
      // Lets the promises between the broker's answer and the lane run.
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    },
  };
}

const names = (batches: readonly (readonly Item[])[]) => batches.map((batch) => batch.map((item) => item.name));

describe('a lane', () => {
  it('sends at once what comes at one moment, as one batch', () => {
    const rig = createRig();
    rig.add(10);
    rig.add(10);
    rig.runDeferred();
    expect(names(rig.sent)).toEqual([[0, 1]]);
  });

  it('gathers while a batch is in flight, and keeps to the size of a batch', async () => {
    const rig = createRig();
    rig.add(10);
    rig.runDeferred();
    for (const bytes of [60, 40, 1, 500]) rig.add(bytes);
    await rig.answerWith(1);
    rig.runDeferred();
    await rig.answerWith(2);
    rig.runDeferred();
    await rig.answerWith(1);
    rig.runDeferred();
    expect(names(rig.sent)).toEqual([[0], [1, 2], [3], [4]]);
  });

  it('an event that its broker does not take for its size fails alone', async () => {
    const rig = createRig();
    for (const bytes of [10, 10, 10]) rig.add(bytes);
    rig.runDeferred();
    await rig.answerWith('PS_PUBLISH_TOO_LARGE');
    rig.runDeferred();
    await rig.answerWith('PS_PUBLISH_TOO_LARGE');
    rig.runDeferred();
    await rig.answerWith(2);
    expect(names(rig.sent)).toEqual([[0, 1, 2], [0], [1, 2]]);
    expect([...rig.settled]).toEqual([
      [0, 'too_large'],
      [1, 'broker'],
      [2, 'broker'],
    ]);
    expect(rig.errors).toEqual([]);
  });

  it('events that fit by themselves are not refused for the batch that they were in', async () => {
    const rig = createRig();
    for (const bytes of [10, 10]) rig.add(bytes);
    rig.runDeferred();
    await rig.answerWith('PS_PUBLISH_TOO_LARGE');
    rig.runDeferred();
    await rig.answerWith(1);
    rig.runDeferred();
    await rig.answerWith(1);
    expect([...rig.settled.values()]).toEqual(['broker', 'broker']);
  });

  it('when the broker is away, what was sent and what waits fail at once, and what comes later is tried again', async () => {
    const rig = createRig();
    rig.add(10);
    rig.runDeferred();
    rig.add(10);
    await rig.answerWith('PS_PUBLISH_UNAVAILABLE');
    expect([...rig.settled.values()]).toEqual(['unavailable', 'unavailable']);
    expect(rig.errors).toEqual(['PS_PUBLISH_UNAVAILABLE']);
    expect(rig.lane.isIdle()).toBe(true);
    rig.add(10);
    rig.runDeferred();
    await rig.answerWith(1);
    expect(rig.settled.get(2)).toBe('broker');
  });

  it('a broker that does not answer in time leaves the outcome unknown', async () => {
    const rig = createRig();
    rig.add(10);
    rig.runDeferred();
    rig.clock.advance(TIMEOUT_MS);
    await rig.answerWith(1);
    expect(rig.settled.get(0)).toBe('timeout');
    expect(rig.errors).toEqual(['PS_PUBLISH_TIMEOUT']);
    expect(rig.clock.pending).toBe(0);
  });

  it('what nobody waits for any more is not sent', async () => {
    const rig = createRig();
    rig.add(10);
    rig.runDeferred();
    const late = rig.add(10, rig.clock.now() + 500);
    const next = rig.add(10, rig.clock.now() + 5000);
    rig.clock.advance(600);
    await rig.answerWith(1);
    rig.runDeferred();
    expect(rig.settled.get(late)).toBe('timeout');
    expect(names(rig.sent)).toEqual([[0], [next]]);
  });

  it('settles every event exactly once, in order, within the bounds, whatever the broker does', async () => {
    const step = fc.oneof(
      fc.record({ add: fc.integer({ min: 1, max: 150 }) }),
      fc.constant({ run: true }),
      fc.record({ take: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ fail: fc.constantFrom<PublishErrorCode[]>('PS_PUBLISH_UNAVAILABLE', 'PS_PUBLISH_TOO_LARGE') }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const rig = createRig();
        let added = 0;
        const lastBatch = () => rig.sent.at(-1) as Item[];
        for (const step of steps) {
          if ('add' in step) {
            rig.add(step.add);
            added++;
          } else if ('run' in step) rig.runDeferred();
          else if (!rig.inFlight()) continue;
          else if ('take' in step) await rig.answerWith(Math.min(step.take, lastBatch().length));
          else await rig.answerWith(step.fail);
        }
        for (let turn = 0; turn <= added && !rig.lane.isIdle(); turn++) {
          rig.runDeferred();
          if (rig.inFlight()) await rig.answerWith(lastBatch().length);
        }
        expect(rig.lane.isIdle()).toBe(true);
        expect(rig.settled.size).toBe(added);
        for (const batch of rig.sent) {
          const bytes = batch.reduce((sum, item) => sum + item.bytes, 0);
          expect(batch.length === 1 || bytes <= MAX_BATCH_BYTES).toBe(true);
        }
        // Those that reached the broker did so in the order in which they came.
        const arrived = [...rig.settled].filter(([, outcome]) => outcome === 'broker').map(([name]) => name);
        expect(arrived).toEqual([...arrived].sort((one, other) => one - other));
      }),
    );
  });
});

describe('a lane under a load that fills batches while one is in flight', () => {
  const PIPELINE_BYTES = 50;

  function createPipeline() {
    const deferred: (() => void)[] = [];
    const inFlight: { names: number[]; resolve(count: number): void; reject(error: Error): void }[] = [];
    const settled: [number, Outcome][] = [];
    let nextName = 0;
    const lane = createLane<Item>(
      {
        clock: createManualClock(),
        defer: (task) => void deferred.push(task),
        onError: () => {},
        send: (items) =>
          new Promise((resolve, reject) => {
            inFlight.push({ names: items.map((item) => item.name), resolve, reject });
          }),
      },
      { maxBatchBytes: MAX_BATCH_BYTES, timeoutMs: TIMEOUT_MS, pipelineBytes: PIPELINE_BYTES },
    );
    const run = async () => {
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      for (const task of deferred.splice(0)) task();
    };
    return {
      lane,
      run,
      inFlight,
      settled,
      add(bytes: number) {
        const name = nextName++;
        const settle = (outcome: Outcome) => void settled.push([name, outcome]);
        lane.add({ name, bytes, deadlineMs: FOREVER_MS, settle });
      },
    };
  }

  it('sends a full batch without waiting, in order, and no more than three at once', async () => {
    const { add, run, inFlight } = createPipeline();
    for (let round = 0; round < 6; round++) {
      add(PIPELINE_BYTES);
      await run();
    }
    expect(inFlight.map(({ names }) => names)).toEqual([[0], [1], [2]]);
    inFlight[0]?.resolve(1);
    await run();
    expect(inFlight.map(({ names }) => names)).toEqual([[0], [1], [2], [3, 4]]);
  });

  it('waits for the batch in flight while little is gathered', async () => {
    const { add, run, inFlight } = createPipeline();
    for (let round = 0; round < 4; round++) {
      add(10);
      await run();
    }
    expect(inFlight.map(({ names }) => names)).toEqual([[0]]);
  });

  it('a failure of one batch is not told of the others in flight, which settle by their own answers', async () => {
    const { add, run, inFlight, settled, lane } = createPipeline();
    for (let round = 0; round < 4; round++) {
      add(PIPELINE_BYTES);
      await run();
    }
    inFlight[0]?.reject(new PublishError('PS_PUBLISH_UNAVAILABLE', 'as the test says'));
    await run();
    inFlight[1]?.resolve(1);
    inFlight[2]?.resolve(1);
    await run();
    expect(settled).toEqual([
      [0, 'unavailable'],
      [3, 'unavailable'],
      [1, 'broker'],
      [2, 'broker'],
    ]);
    expect(lane.isIdle()).toBe(true);
  });

  it('settles every item exactly once, whatever the answers and their order', async () => {
    const step = fc.oneof(
      fc.record({ add: fc.integer({ min: 1, max: 120 }) }),
      fc.record({ answer: fc.nat(2), outcome: fc.constantFrom('all', 'one', 'unavailable', 'timeout', 'too large') }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { add, run, inFlight, settled, lane } = createPipeline();
        let added = 0;
        const answer = async (index: number, outcome: string) => {
          const [batch] = inFlight.splice(index, 1);
          if (outcome === 'all') batch?.resolve(batch.names.length);
          else if (outcome === 'one') batch?.resolve(1);
          else if (outcome === 'too large') batch?.reject(new PublishError('PS_PUBLISH_TOO_LARGE', 'too large'));
          else if (outcome === 'timeout') batch?.reject(new PublishError('PS_PUBLISH_TIMEOUT', 'late'));
          else batch?.reject(new PublishError('PS_PUBLISH_UNAVAILABLE', 'away'));
          await run();
        };
        for (const one of steps) {
          if ('add' in one) {
            add(one.add);
            added++;
            await run();
          } else if (one.answer < inFlight.length) await answer(one.answer, one.outcome);
          expect(inFlight.length).toBeLessThanOrEqual(3);
        }
        while (inFlight.length > 0) await answer(0, 'all');
        expect(settled.map(([name]) => name).sort((a, b) => a - b)).toEqual(Array.from({ length: added }, (_, i) => i));
        expect(lane.isIdle()).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
