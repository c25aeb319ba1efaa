import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EMPTY_QUEUE, EMPTY_SCHEDULE } from '../../../src/broker/entities/index.js';
import { parseIncoming } from '../../../src/broker/message/index.js';
import { createQueueRuntime } from '../../../src/broker/namespace/queue-runtime.js';
import { createScheduler } from '../../../src/broker/namespace/scheduler.js';
import { decodeQueueState, decodeScheduleState } from '../../../src/broker/namespace/states.js';
import { scheduleStateKey, storeStateKey } from '../../../src/broker/store/keys.js';
import { queueSettings } from '../../helpers/broker.js';
import { createManualClock } from '../../helpers/manual-clock.js';
import { decode, encode } from '../message/messages.js';
import { createMemoryStore } from './memory-store.js';

const START_MS = Date.UTC(2026, 0, 1);
const turn = async () => {
  for (let count = 0; count < 20; count++) await new Promise((resolve) => setImmediate(resolve));
};

/** A queue with its schedule, on a store that outlives them both. */
function createDriver() {
  const store = createMemoryStore();
  const clock = createManualClock(START_MS);
  const onError = (error: unknown) => {
    throw error;
  };
  const deps = { store, clock, newToken: () => 'token', onError };
  const open = (queueState = EMPTY_QUEUE, scheduleState = EMPTY_SCHEDULE) => {
    const queue = createQueueRuntime(deps, { id: 1, state: queueState, settings: () => queueSettings });
    const scheduler = createScheduler(deps, {
      id: 1,
      state: scheduleState,
      nextNumber: queue.skipSequence,
      enqueue: (message) => [queue.stage(message)],
    });
    store.onBatch((into) => {
      queue.contribute(into);
      scheduler.contribute(into);
    });
    scheduler.start();
    return { queue, scheduler };
  };
  let running = open();
  return {
    clock,
    store,
    running: () => running,
    async schedule(body: unknown, inMs: number, fields: Record<string, unknown> = {}): Promise<number> {
      const at = new Date(clock.now() + inMs);
      const message = parseIncoming(
        encode({ body, message_annotations: { 'x-opt-scheduled-enqueue-time': at }, ...fields }),
      );
      const staged = running.scheduler.stage(message);
      await store.commit([staged.write]);
      staged.publish();
      return running.scheduler.numberOf(message) as number;
    },
    /** What was not durable is lost with the memory. */
    async restart() {
      running.scheduler.stop();
      running.queue.stop();
      await store.close();
      running = open(
        decodeQueueState(await store.get(storeStateKey(1))),
        decodeScheduleState(await store.get(scheduleStateKey(1))),
      );
    },
    async advance(ms: number) {
      clock.advance(ms);
      await turn();
      // A timer that was set meanwhile may be due already.
      clock.advance(0);
      await turn();
    },
    peek: async () =>
      (await running.queue.peek(0, 1000)).map(({ sequence, payload }) => ({ sequence, ...decode(payload) })),
  };
}

const annotationsOf = (peeked: unknown) =>
  (peeked as { message_annotations?: Record<string, unknown> } | undefined)?.message_annotations ?? {};
const stateOf = (peeked: unknown) => annotationsOf(peeked)['x-opt-message-state'];

describe('scheduled messages', () => {
  it('are enqueued when they are due and not before, in order, also over restarts, unless they were cancelled', async () => {
    const steps = fc.array(
      fc.oneof(
        {
          weight: 4,
          arbitrary: fc.record({ kind: fc.constant('schedule' as const), inMs: fc.integer({ min: 1, max: 500 }) }),
        },
        {
          weight: 2,
          arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 200 }) }),
        },
        { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), index: fc.nat(30) }) },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
      ),
      { maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const driver = createDriver();
        let waiting: { number: number; dueAtMs: number }[] = [];
        const enqueued: number[] = [];
        let last = 0;
        for (const step of sequence) {
          if (step.kind === 'schedule') {
            const number = await driver.schedule(last, step.inMs);
            expect(number).toBeGreaterThan(last);
            last = number;
            waiting.push({ number, dueAtMs: driver.clock.now() + step.inMs });
          } else if (step.kind === 'advance') {
            await driver.advance(step.ms);
            const due = waiting.filter(({ dueAtMs }) => dueAtMs <= driver.clock.now());
            due.sort((a, b) => a.dueAtMs - b.dueAtMs || a.number - b.number);
            enqueued.push(...due.map(({ number }) => number));
            waiting = waiting.filter((one) => !due.includes(one));
            last += due.length;
          } else if (step.kind === 'cancel') {
            const one = waiting[step.index];
            expect(await driver.running().scheduler.cancel([one?.number ?? 9999])).toBe(one !== undefined);
            waiting = waiting.filter((other) => other !== one);
          } else {
            await driver.restart();
          }
          expect(driver.running().scheduler.facts().count).toBe(waiting.length);
          expect(driver.running().queue.facts().count).toBe(enqueued.length);
        }
        const peeked = await driver.peek();
        const active = peeked.filter((one) => stateOf(one) === undefined);
        const numberOf = (one: unknown) => annotationsOf(one)['x-opt-enqueue-sequence-number'];
        expect(active.map(numberOf)).toEqual(enqueued);
        const scheduled = peeked.filter((one) => stateOf(one) === 2).map((one) => one.sequence);
        expect(scheduled).toEqual(waiting.map(({ number }) => number).sort((a, b) => a - b));
        expect(driver.running().scheduler.facts().bytes === 0).toBe(waiting.length === 0);
      }),
      { numRuns: 60 },
    );
  });

  it('begin to live when they are enqueued', async () => {
    const driver = createDriver();
    await driver.schedule('x', 1000, { ttl: 500 });
    await driver.advance(1000);
    const [message] = await driver.peek();
    const { 'x-opt-enqueued-time': enqueuedAt, 'x-opt-scheduled-enqueue-time': scheduledFor } = annotationsOf(message);
    expect([Number(enqueuedAt), Number(scheduledFor)]).toEqual([START_MS + 1000, START_MS + 1000]);
    expect(message).toMatchObject({ sequence: 2, ttl: 500, body: 'x' });
  });

  it('are taken back all together or not at all', async () => {
    const driver = createDriver();
    const numbers = [await driver.schedule('a', 100), await driver.schedule('b', 200)];
    const { scheduler } = driver.running();
    expect(await scheduler.cancel([...numbers, 77])).toBe(false);
    expect(await Promise.all([scheduler.cancel(numbers), scheduler.cancel(numbers)])).toEqual([true, false]);
    await driver.advance(1000);
    expect(driver.running().queue.facts().count).toBe(0);
    expect(await driver.peek()).toEqual([]);
  });

  it('are enqueued though a cancellation that failed had them in hand when they were due', async () => {
    const driver = createDriver();
    const number = await driver.schedule('a', 100);
    const cancelled = driver.running().scheduler.cancel([number, 99]);
    driver.clock.advance(100);
    expect(await cancelled).toBe(false);
    await driver.advance(1);
    expect(driver.running().queue.facts().count).toBe(1);
  });

  it('are enqueued by the thousand', async () => {
    const driver = createDriver();
    for (let count = 0; count < 1000; count++) await driver.schedule(count, 100);
    await driver.advance(100);
    expect(driver.running().queue.facts().count).toBe(1000);
    expect(driver.running().scheduler.facts()).toMatchObject({ count: 0, bytes: 0 });
    expect((await driver.peek()).slice(0, 3).map((one) => one['body' as keyof typeof one])).toEqual([0, 1, 2]);
  });
});
