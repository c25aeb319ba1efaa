import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EMPTY_QUEUE } from '../../../../src/broker/entities/index.js';
import { parseIncoming } from '../../../../src/broker/message/index.js';
import type { HeldSession, QueueConsumer, QueueRuntime } from '../../../../src/broker/namespace/index.js';
import { createQueueRuntime } from '../../../../src/broker/namespace/queue-runtime.js';
import { readDelivered } from '../../../../src/broker/namespace/sessions/delivered.js';
import { publishAll } from '../../../../src/broker/namespace/staged.js';
import { decodeQueueState } from '../../../../src/broker/namespace/states.js';
import { storeStateKey } from '../../../../src/broker/store/keys.js';
import { queueSettings } from '../../../helpers/broker.js';
import { createManualClock } from '../../../helpers/manual-clock.js';
import { decode, encode } from '../../message/messages.js';
import { createMemoryStore } from '../memory-store.js';

const LOCK_MS = 1000;
const MAX_DELIVERIES = 3;

/** What sessions promise, written down without any regard to cost. */
interface Expected {
  readonly body: number;
  deliveryCount: number;
  /** What counts after a restart: with the last batch, also of a delivery that was under way then. */
  durableCount: number;
  deferred?: number;
}

interface Out {
  readonly token: string;
  readonly message: Expected;
}

interface Holder {
  readonly session: HeldSession;
  untilMs: number;
  out: Out[];
  lost: boolean;
}

interface ExpectedSession {
  messages: Expected[];
  holder: Holder | undefined;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
async function settled(): Promise<void> {
  for (let round = 0; round < 5; round++) await turn();
}

function createDriver() {
  const store = createMemoryStore();
  const clock = createManualClock();
  const settings = { ...queueSettings, lockDurationMs: LOCK_MS, maxDeliveryCount: MAX_DELIVERIES };
  const model = new Map<string, ExpectedSession>();
  let running: QueueRuntime | undefined;
  let tokens = 0;
  let bodies = 0;
  let deadLettered = 0;

  const onError = (error: unknown) => {
    throw error;
  };
  async function start(): Promise<QueueRuntime> {
    const deps = { store, clock, onError, newToken: () => `t${tokens++}` };
    const [state, deadState] = await store.getMany([storeStateKey(1), storeStateKey(2)]);
    const dead = createQueueRuntime(deps, { id: 2, state: decodeQueueState(deadState), settings: () => settings });
    return createQueueRuntime(deps, {
      id: 1,
      state: state ? decodeQueueState(state) : EMPTY_QUEUE,
      settings: () => settings,
      deadLetters: dead,
      requiresSession: true,
      deliveredInSessions: await readDelivered(store, 1),
    });
  }
  store.onBatch((into) => {
    running?.contribute(into);
    running?.deadLetters?.contribute(into);
    const out = new Set(holders().flatMap((holder) => holder.out.map(({ message }) => message)));
    for (const message of [...model.values()].flatMap(({ messages }) => messages)) {
      message.durableCount = message.deliveryCount + (out.has(message) ? 1 : 0);
    }
  });

  const queue = () => running as QueueRuntime;
  const sessions = () => queue().sessions as NonNullable<QueueRuntime['sessions']>;
  const holders = () => [...model.values()].flatMap(({ holder }) => (holder ? [holder] : []));
  const pick = <T>(list: readonly T[], index: number): T | undefined => list[index % Math.max(1, list.length)];
  const sessionOf = (holder: Holder) => model.get(holder.session.sessionId) as ExpectedSession;
  const isExceeded = ({ deliveryCount }: Expected) => deliveryCount >= MAX_DELIVERIES;
  const deliverable = (one: ExpectedSession) =>
    one.messages.some((message) => message.deferred === undefined && !isExceeded(message));

  function hold(session: HeldSession): void {
    const one = model.get(session.sessionId) ?? { messages: [], holder: undefined };
    model.set(session.sessionId, one);
    expect(one.holder).toBeUndefined();
    expect(session.lockedUntilMs()).toBe(clock.now() + LOCK_MS);
    const holder: Holder = { session, untilMs: clock.now() + LOCK_MS, out: [], lost: false };
    one.holder = holder;
    session.onLost(() => {
      holder.lost = true;
    });
  }

  /** It was delivered as often as may be when the broker ended, and goes as soon as it would be delivered again. */
  function exceed(one: ExpectedSession, message: Expected): void {
    one.messages = one.messages.filter((other) => other !== message);
    deadLettered++;
  }

  /** A delivery that was not completed. */
  function cameBack(one: ExpectedSession, message: Expected): void {
    message.deliveryCount++;
    if (isExceeded(message)) exceed(one, message);
  }

  function drop(holder: Holder, out: Out): void {
    holder.out = holder.out.filter((other) => other !== out);
  }

  const driver = {
    async restart() {
      queue()?.stop();
      running = undefined;
      for (const one of model.values()) {
        one.holder = undefined;
        for (const message of one.messages) message.deliveryCount = message.durableCount;
      }
      running = await start();
    },
    async begin() {
      running = await start();
    },

    async put(sessionIds: readonly string[]) {
      const staged = sessionIds.map((group_id) => {
        const body = ++bodies;
        const one = model.get(group_id) ?? { messages: [], holder: undefined };
        model.set(group_id, one);
        one.messages.push({ body, deliveryCount: 0, durableCount: 0 });
        return queue().stage(parseIncoming(encode({ body, group_id })));
      });
      await store.commit(staged.map(({ write }) => write));
      publishAll(staged);
    },

    async accept(sessionId: string) {
      const session = await sessions().accept(sessionId, 'me');
      expect(session === undefined).toBe(model.get(sessionId)?.holder !== undefined);
      if (session) hold(session);
    },

    async acceptNext() {
      const { outcome, cancel } = sessions().acceptNext(10 * LOCK_MS, 'me');
      await settled();
      cancel();
      const result = await outcome;
      const free = [...model].filter(([, one]) => one.holder === undefined && deliverable(one)).map(([id]) => id);
      if (result.kind === 'timeout') return expect(free).toEqual([]);
      expect(free).toContain(result.session.sessionId);
      hold(result.session);
    },

    async receive(index: number, credit: number) {
      const holder = pick(holders(), index);
      if (holder === undefined) return;
      const got: { token: string; body: unknown; count: unknown }[] = [];
      let free = credit;
      const consumer: QueueConsumer = {
        mode: 'peek-lock',
        wants: () => free > 0,
        reserve: () => void free--,
        cancel: () => void free++,
        deliver({ lockToken, payload }) {
          const { body, delivery_count } = decode(payload);
          got.push({ token: lockToken, body, count: delivery_count });
        },
      };
      const detach = holder.session.attach(consumer);
      await holder.session.quiet();
      detach();
      const isOut = (message: Expected) => holder.out.some((out) => out.message === message);
      const next: Expected[] = [];
      for (const message of sessionOf(holder).messages) {
        if (message.deferred !== undefined || isOut(message) || next.length === credit) continue;
        if (isExceeded(message)) exceed(sessionOf(holder), message);
        else next.push(message);
      }
      expect(got.map(({ body, count }) => [body, count])).toEqual(
        next.map(({ body, deliveryCount }) => [body, deliveryCount]),
      );
      for (const [at, message] of next.entries()) holder.out.push({ token: got[at]?.token as string, message });
    },

    async complete(index: number, which: number) {
      const holder = pick(holders(), index);
      const out = holder && pick(holder.out, which);
      if (holder === undefined || out === undefined) return;
      expect(await holder.session.complete(out.token)).toBe('done');
      drop(holder, out);
      const one = sessionOf(holder);
      one.messages = one.messages.filter((message) => message !== out.message);
      expect(await holder.session.complete(out.token)).toBe('session-lock-lost');
    },

    async abandon(index: number, which: number) {
      const holder = pick(holders(), index);
      const out = holder && pick(holder.out, which);
      if (holder === undefined || out === undefined) return;
      expect(await holder.session.abandon(out.token)).toBe('done');
      drop(holder, out);
      cameBack(sessionOf(holder), out.message);
    },

    async defer(index: number, which: number) {
      const holder = pick(holders(), index);
      const out = holder && pick(holder.out, which);
      if (holder === undefined || out === undefined) return;
      expect(await holder.session.defer(out.token)).toBe('done');
      drop(holder, out);
      out.message.deliveryCount++;
      out.message.deferred = out.message.body;
    },

    async receiveDeferred(index: number, which: number) {
      const holder = pick(holders(), index);
      if (holder === undefined) return;
      const deferred = [...model.values()].flatMap((one) =>
        one.messages.filter(({ deferred }) => deferred !== undefined).map((message) => ({ one, message })),
      );
      const chosen = pick(deferred, which);
      if (chosen === undefined) return;
      // Every body is the sequence number of its message.
      const found = await holder.session.receiveDeferred([chosen.message.body], 'peek-lock');
      if (found === 'too-large') throw new Error('these are small');
      const mine = chosen.one.holder === holder && !holder.out.some(({ message }) => message === chosen.message);
      expect(found === undefined).toBe(!mine);
      if (found?.[0]) holder.out.push({ token: found[0].lockToken, message: chosen.message });
    },

    async leave(index: number) {
      const holder = pick(holders(), index);
      if (holder === undefined) return;
      holder.session.leave();
      sessionOf(holder).holder = undefined;
      await settled();
    },

    renew(index: number) {
      const holder = pick(holders(), index);
      if (holder === undefined) return;
      expect(sessions().renew(holder.session)).toBe(clock.now() + LOCK_MS);
      holder.untilMs = clock.now() + LOCK_MS;
    },

    async advance(ms: number) {
      clock.advance(ms);
      await settled();
      for (const one of model.values()) {
        const { holder } = one;
        expect(holder?.lost ?? false).toBe(holder !== undefined && holder.untilMs <= clock.now());
        if (holder === undefined || holder.untilMs > clock.now()) continue;
        one.holder = undefined;
        for (const { message } of holder.out) cameBack(one, message);
        expect(await holder.session.complete(holder.out[0]?.token ?? 'none')).toBe('session-lock-lost');
        expect(sessions().renew(holder.session)).toBeUndefined();
      }
    },

    async check() {
      // What is not to be delivered again goes when it would be.
      for (const sessionId of model.keys()) {
        if (model.get(sessionId)?.holder === undefined) await driver.accept(sessionId);
        const index = holders().findIndex(({ session }) => session.sessionId === sessionId);
        await driver.receive(index, 1000);
      }
      const all = [...model.values()].flatMap(({ messages }) => messages);
      const { count, deferredCount } = queue().facts();
      expect([count, deferredCount]).toEqual([
        all.filter(({ deferred }) => deferred === undefined).length,
        all.filter(({ deferred }) => deferred !== undefined).length,
      ]);
      expect(queue().deadLetters?.facts().count).toBe(deadLettered);
      for (const [sessionId, { messages }] of model) {
        const shown = await sessions().peek({ sessionId, fromSequence: 0, limit: 250 });
        expect(shown.map(({ payload }) => decode(payload)['body'])).toEqual(messages.map(({ body }) => body));
      }
      const listed = await sessions().list({ updatedSinceMs: undefined, skip: 0, top: 1000 });
      const expected = [...model].filter(([, one]) => deliverable(one)).map(([id]) => id);
      expect([...listed].sort()).toEqual(expected.sort());
    },
  };
  return driver;
}

const sessionId = fc.constantFrom('', 'a', 'b', 'zz', 'é');
const index = fc.nat(20);

type Driver = ReturnType<typeof createDriver>;
const step: fc.Arbitrary<(driver: Driver) => unknown> = fc.oneof(
  { weight: 4, arbitrary: fc.array(sessionId, { minLength: 1, maxLength: 6 }).map((ids) => (d: Driver) => d.put(ids)) },
  { weight: 3, arbitrary: sessionId.map((id) => (d: Driver) => d.accept(id)) },
  { weight: 3, arbitrary: fc.constant((d: Driver) => d.acceptNext()) },
  {
    weight: 6,
    arbitrary: fc.tuple(index, fc.nat(4)).map(
      ([i, credit]) =>
        (d: Driver) =>
          d.receive(i, credit),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(index, index).map(
      ([i, k]) =>
        (d: Driver) =>
          d.complete(i, k),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(index, index).map(
      ([i, k]) =>
        (d: Driver) =>
          d.abandon(i, k),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(index, index).map(
      ([i, k]) =>
        (d: Driver) =>
          d.defer(i, k),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(index, index).map(
      ([i, k]) =>
        (d: Driver) =>
          d.receiveDeferred(i, k),
    ),
  },
  { weight: 2, arbitrary: index.map((i) => (d: Driver) => d.leave(i)) },
  { weight: 1, arbitrary: index.map((i) => (d: Driver) => d.renew(i)) },
  { weight: 2, arbitrary: fc.constantFrom(1, 400, LOCK_MS).map((ms) => (d: Driver) => d.advance(ms)) },
  { weight: 1, arbitrary: fc.constant((d: Driver) => d.restart()) },
);

it('sessions agree with a plain list of messages, whatever their receivers do and whenever the broker restarts', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
      const driver = createDriver();
      await driver.begin();
      for (const act of steps) await act(driver);
      await driver.check();
    }),
    { numRuns: 150 },
  );
});
