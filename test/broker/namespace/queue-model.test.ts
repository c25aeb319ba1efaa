import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EMPTY_QUEUE, EMPTY_SCHEDULE, type QueueState } from '../../../src/broker/entities/index.js';
import { parseIncoming } from '../../../src/broker/message/index.js';
import type { QueueDelivery } from '../../../src/broker/namespace/index.js';
import { createQueueRuntime } from '../../../src/broker/namespace/queue-runtime.js';
import { createScheduler } from '../../../src/broker/namespace/scheduler.js';
import { publishAll } from '../../../src/broker/namespace/staged.js';
import { decodeQueueState, decodeScheduleState } from '../../../src/broker/namespace/states.js';
import { scheduleStateKey, storeStateKey } from '../../../src/broker/store/keys.js';
import { queueSettings } from '../../helpers/broker.js';
import { createManualClock } from '../../helpers/manual-clock.js';
import { decode, encode } from '../message/messages.js';
import { createMemoryStore } from './memory-store.js';

/**
 * The times are chosen so that nothing happens at the same moment: operations at whole seconds, the end of locks a fifth
 * and the end of lives half a second later, and the sweep of what has expired a quarter after that at the latest.
 */
const SECOND_MS = 1000;
const LOCK_MS = 2 * SECOND_MS + 200;
const MAX_DELIVERIES = 4;
/** So small that most messages wait in the store. */
const window = { messages: 4, bytes: 10_000, removalsPerRecount: 2 };

const turn = async () => {
  for (let count = 0; count < 6; count++) await new Promise((resolve) => setImmediate(resolve));
};

type State = 'scheduled' | 'active' | 'deferred' | 'dead';

/** What a queue promises of one message, written down without any regard to cost. */
interface Expected {
  readonly body: number;
  sequence: number;
  state: State;
  dueAtMs: number;
  ttlMs: number;
  expiresAtMs: number;
  deliveryCount: number;
  /** What counts after a crash: with the last batch, also of a delivery that was under way then. */
  durableCount: number;
  reason?: string;
  lock?: { token: string; untilMs: number };
}

/** A queue with its dead letters and its schedule, on a store that outlives them. */
function createSystem(onBatch: () => void) {
  const store = createMemoryStore();
  const clock = createManualClock(0);
  let tokens = 0;
  const got: QueueDelivery[] = [];
  const onError = (error: unknown) => {
    throw error;
  };
  const deps = { store, clock, newToken: () => (tokens++).toString(16).padStart(32, '0'), onError };
  const settings = () => ({
    ...queueSettings,
    lockDurationMs: LOCK_MS,
    maxDeliveryCount: MAX_DELIVERIES,
    deadLetteringOnMessageExpiration: true,
  });

  function open(states: { queue: QueueState; dead: QueueState; schedule: typeof EMPTY_SCHEDULE }) {
    const dead = createQueueRuntime(deps, { id: 2, state: states.dead, settings, window });
    const queue = createQueueRuntime(deps, { id: 1, state: states.queue, settings, window, deadLetters: dead });
    const scheduler = createScheduler(deps, {
      id: 1,
      state: states.schedule,
      nextNumber: queue.skipSequence,
      enqueue: (message) => [queue.stage(message)],
    });
    const receiver = {
      mode: 'peek-lock' as const,
      credit: 0,
      wants: () => receiver.credit > 0,
      reserve: () => void receiver.credit--,
      cancel: () => void receiver.credit++,
      deliver: (delivery: QueueDelivery) => void got.push(delivery),
    };
    queue.attach(receiver);
    store.onBatch((into) => {
      for (const one of [queue, dead, scheduler]) one.contribute(into);
      onBatch();
    });
    scheduler.start();
    queue.start();
    return { queue, dead, scheduler, receiver };
  }

  const system = {
    clock,
    store,
    now: open({ queue: EMPTY_QUEUE, dead: EMPTY_QUEUE, schedule: EMPTY_SCHEDULE }),
    async settle() {
      for (let count = 0; count < 3; count++) {
        clock.advance(0);
        await turn();
      }
    },
    async kill() {
      for (const one of [system.now.queue, system.now.dead, system.now.scheduler]) one.stop();
      await store.close();
      system.now = open({
        queue: decodeQueueState(await store.get(storeStateKey(1))),
        dead: decodeQueueState(await store.get(storeStateKey(2))),
        schedule: decodeScheduleState(await store.get(scheduleStateKey(1))),
      });
    },
    /** The next message, if there is one. */
    async receive(): Promise<QueueDelivery | undefined> {
      got.length = 0;
      system.now.receiver.credit = 1;
      await system.now.queue.quiet();
      system.now.receiver.credit = 0;
      return got[0];
    },
  };
  return system;
}

const annotationsOf = (message: Record<string, unknown>) => message['message_annotations'] as Record<string, unknown>;
const STATES: readonly State[] = ['active', 'deferred', 'scheduled'];

function createDriver() {
  let expected: Expected[] = [];
  const system = createSystem(() => {
    for (const one of expected) one.durableCount = one.deliveryCount + (one.lock === undefined ? 0 : 1);
  });
  const { clock } = system;
  let bodies = 0;
  let lastSequence = 0;
  let lastDead = 0;

  const free = () => expected.filter(({ state, lock }) => state === 'active' && lock === undefined);
  const locked = () => expected.filter(({ lock }) => lock !== undefined);
  const inState = (state: State) => expected.filter((one) => one.state === state);
  const bySequence = (a: Expected, b: Expected) => a.sequence - b.sequence;
  const remove = (one: Expected) => {
    expected = expected.filter((other) => other !== one);
  };

  function die(one: Expected, reason: string): void {
    delete one.lock;
    Object.assign(one, { state: 'dead', reason, sequence: ++lastDead });
  }

  function comeBack(one: Expected): void {
    delete one.lock;
    if (++one.deliveryCount >= MAX_DELIVERIES) die(one, 'MaxDeliveryCountExceeded');
  }

  /** What happens up to now by time alone, in the order of the moments. */
  function elapse(untilMs: number): void {
    for (;;) {
      const moments = expected.flatMap((one): { atMs: number; happen: () => void; order: number }[] => {
        if (one.state === 'scheduled') {
          const enqueue = () => {
            one.state = 'active';
            one.sequence = ++lastSequence;
            one.expiresAtMs = one.dueAtMs + one.ttlMs;
          };
          return [{ atMs: one.dueAtMs, happen: enqueue, order: one.sequence }];
        }
        if (one.lock) return [{ atMs: one.lock.untilMs, happen: () => comeBack(one), order: one.sequence }];
        if (one.state !== 'active') return [];
        return [{ atMs: one.expiresAtMs, happen: () => die(one, 'TTLExpiredException'), order: one.sequence }];
      });
      const [first] = moments
        .filter(({ atMs }) => atMs <= untilMs)
        .sort((a, b) => a.atMs - b.atMs || a.order - b.order);
      if (first === undefined) return;
      first.happen();
    }
  }

  async function advance(seconds: number): Promise<void> {
    // In small steps, so that what the store answers is answered at its moment.
    for (let step = 0; step < seconds * 20; step++) {
      clock.advance(SECOND_MS / 20);
      await turn();
    }
    await system.settle();
    elapse(clock.now());
  }

  /** What has expired while it was locked goes once it is free: not at once, but soon. */
  async function calm(): Promise<void> {
    await system.settle();
    if (free().some(({ expiresAtMs }) => expiresAtMs <= clock.now())) await advance(1);
  }

  async function put(ttlMs: number, dueInMs: number): Promise<void> {
    const at = clock.now() + dueInMs;
    const ttl = ttlMs === Number.POSITIVE_INFINITY ? {} : { ttl: ttlMs };
    const annotations = dueInMs > 0 ? { message_annotations: { 'x-opt-scheduled-enqueue-time': new Date(at) } } : {};
    const message = parseIncoming(encode({ body: bodies, ...ttl, ...annotations }));
    const staged = dueInMs > 0 ? system.now.scheduler.stage(message) : system.now.queue.stage(message);
    await system.store.commit([staged.write]);
    publishAll([staged]);
    expected.push({
      body: bodies++,
      sequence: ++lastSequence,
      state: dueInMs > 0 ? 'scheduled' : 'active',
      dueAtMs: at,
      ttlMs,
      expiresAtMs: at + ttlMs,
      deliveryCount: 0,
      durableCount: 0,
    });
  }

  const NONE = 'f'.repeat(32);
  /** Settles one of the locked messages, or a lock that nobody has. */
  async function settle(index: number, work: (token: string) => Promise<string>, then: (one: Expected) => void) {
    const one = locked()[index % Math.max(1, locked().length)];
    expect(await work(one?.lock?.token ?? NONE)).toBe(one === undefined ? 'lock-lost' : 'done');
    if (one) then(one);
    await calm();
  }

  return {
    send: (seconds: number) => put(seconds === 0 ? Number.POSITIVE_INFINITY : seconds * SECOND_MS + 500, 0),
    schedule: (seconds: number) => put(Number.POSITIVE_INFINITY, seconds * SECOND_MS + 700),
    scheduleShort: (seconds: number) => put(2 * SECOND_MS - 200, seconds * SECOND_MS + 700),
    async cancel(index: number) {
      const one = inState('scheduled')[index % 7];
      expect(await system.now.scheduler.cancel([one?.sequence ?? 99_999])).toBe(one !== undefined);
      if (one) remove(one);
    },
    async receive() {
      const delivery = await system.receive();
      // What was delivered as often as may be when the broker was killed is not delivered again.
      const tried = free().sort(bySequence);
      while ((tried[0]?.deliveryCount ?? 0) >= MAX_DELIVERIES)
        die(tried.shift() as Expected, 'MaxDeliveryCountExceeded');
      const one = tried[0];
      expect(delivery && decode(delivery.payload)['body']).toBe(one?.body);
      if (one === undefined || delivery === undefined) return;
      expect(decode(delivery.payload)).toMatchObject({ delivery_count: one.deliveryCount });
      one.lock = { token: delivery.lockToken, untilMs: clock.now() + LOCK_MS };
    },
    complete: (index: number) => settle(index, (token) => system.now.queue.complete(token), remove),
    abandon: (index: number) => settle(index, (token) => system.now.queue.abandon(token), comeBack),
    abandonChanged: (index: number) =>
      settle(
        index,
        (token) => system.now.queue.abandon(token, { applicationProperties: new Map([['tried', 'x'.repeat(index)]]) }),
        comeBack,
      ),
    async release(index: number) {
      const one = locked()[index % Math.max(1, locked().length)];
      const token = one?.lock?.token ?? NONE;
      delete one?.lock;
      expect(await system.now.queue.release(token)).toBe(one === undefined ? 'lock-lost' : 'done');
      await calm();
    },
    deadLetter: (index: number) =>
      settle(
        index,
        (token) => system.now.queue.deadLetter(token, { reason: 'bad' }),
        (one) => die(one, 'bad'),
      ),
    defer: (index: number) =>
      settle(
        index,
        (token) => system.now.queue.defer(token),
        (one) => {
          delete one.lock;
          one.state = 'deferred';
          one.deliveryCount++;
        },
      ),
    async renew(index: number) {
      const one = locked()[index % Math.max(1, locked().length)];
      const untilMs = system.now.queue.renew(one?.lock?.token ?? NONE);
      expect(untilMs).toBe(one && clock.now() + LOCK_MS);
      if (one?.lock) one.lock.untilMs = clock.now() + LOCK_MS;
    },
    async receiveDeferred(index: number) {
      const one = inState('deferred')[index % 7];
      const received = await system.now.queue.receiveDeferred([one?.sequence ?? 99_999], 'peek-lock');
      if (received === 'too-large') throw new Error('these are small');
      const expired = one !== undefined && one.expiresAtMs <= clock.now();
      expect(received?.length).toBe(one && !one.lock && !expired ? 1 : undefined);
      const [delivery] = received ?? [];
      if (one && delivery) {
        expect(decode(delivery.payload)).toMatchObject({ body: one.body, delivery_count: one.deliveryCount });
        one.lock = { token: delivery.lockToken, untilMs: clock.now() + LOCK_MS };
      } else if (one && expired && !one.lock) die(one, 'TTLExpiredException');
    },
    async purge(count: number) {
      const removed = await system.now.queue.deleteActive(count, clock.now());
      const gone = free().sort(bySequence).slice(0, count);
      expect(removed).toBe(gone.length);
      for (const one of gone) remove(one);
    },
    advance,
    async kill() {
      await system.kill();
      for (const one of expected) if (one.state !== 'dead') one.deliveryCount = one.durableCount;
      for (const one of locked()) delete one.lock;
      await calm();
      const counts = (await system.now.queue.peek(0, 1000)).map(({ payload }) => {
        const message = decode(payload);
        return [message['body'], message['delivery_count']];
      });
      const living = expected.filter(({ state }) => state !== 'dead').sort(bySequence);
      expect(counts).toEqual(living.map(({ body, deliveryCount }) => [body, deliveryCount]));
    },
    async check() {
      const { queue, dead, scheduler } = system.now;
      expect({
        active: queue.facts().count,
        deferred: queue.facts().deferredCount,
        scheduled: scheduler.facts().count,
        dead: dead.facts().count,
      }).toEqual({
        active: inState('active').length,
        deferred: inState('deferred').length,
        scheduled: inState('scheduled').length,
        dead: inState('dead').length,
      });
      const shown = (await queue.peek(0, 1000)).map(({ sequence, payload }) => {
        const message = decode(payload);
        const code = Number(annotationsOf(message)['x-opt-message-state'] ?? 0);
        return [sequence, message['body'], STATES[code]];
      });
      const living = expected.filter(({ state }) => state !== 'dead').sort(bySequence);
      expect(shown).toEqual(living.map(({ sequence, body, state }) => [sequence, body, state]));
    },
    async checkDeadLetters() {
      const letters = (await system.now.dead.peek(0, 1000)).map(({ payload }) => {
        const message = decode(payload);
        const properties = message['application_properties'] as Record<string, unknown>;
        return [message['body'], properties['DeadLetterReason'], message['delivery_count']];
      });
      const by = (a: unknown[], b: unknown[]) => Number(a[0]) - Number(b[0]);
      const dead = inState('dead').sort((a, b) => a.body - b.body);
      letters.sort(by);
      expect(letters).toEqual(dead.map(({ body, reason, deliveryCount }) => [body, reason, deliveryCount]));
    },
  };
}

type Driver = ReturnType<typeof createDriver>;
const step = (name: keyof Driver, argument: fc.Arbitrary<number>) => argument.map((value) => [name, value] as const);

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: step('send', fc.integer({ min: 0, max: 5 })) },
    { weight: 2, arbitrary: step('schedule', fc.nat(4)) },
    { weight: 1, arbitrary: step('scheduleShort', fc.nat(4)) },
    { weight: 1, arbitrary: step('cancel', fc.nat(20)) },
    { weight: 6, arbitrary: step('receive', fc.constant(0)) },
    { weight: 2, arbitrary: step('complete', fc.nat(20)) },
    { weight: 2, arbitrary: step('abandon', fc.nat(20)) },
    { weight: 1, arbitrary: step('abandonChanged', fc.nat(20)) },
    { weight: 1, arbitrary: step('release', fc.nat(20)) },
    { weight: 1, arbitrary: step('deadLetter', fc.nat(20)) },
    { weight: 2, arbitrary: step('defer', fc.nat(20)) },
    { weight: 2, arbitrary: step('receiveDeferred', fc.nat(20)) },
    { weight: 1, arbitrary: step('renew', fc.nat(20)) },
    { weight: 1, arbitrary: step('purge', fc.integer({ min: 1, max: 4 })) },
    { weight: 2, arbitrary: step('advance', fc.integer({ min: 1, max: 3 })) },
    { weight: 1, arbitrary: step('kill', fc.constant(0)) },
  ),
  { maxLength: 40, size: 'max' },
);

describe('a queue with all that belongs to it', () => {
  it('is at every moment what a plain list of messages says, also after it was killed', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const driver = createDriver();
        for (const [name, value] of sequence) {
          await driver[name](value);
          await driver.check();
        }
        await driver.advance(10);
        await driver.check();
        await driver.checkDeadLetters();
      }),
      { numRuns: 120 },
    );
  });
});
