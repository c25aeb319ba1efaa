import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIncoming } from '../../../../src/broker/message/index.js';
import type { HeldSession, QueueDelivery } from '../../../../src/broker/namespace/index.js';
import { createQueueRuntime } from '../../../../src/broker/namespace/queue-runtime.js';
import { decodeQueueState } from '../../../../src/broker/namespace/states.js';
import { storeStateKey } from '../../../../src/broker/store/keys.js';
import { queueSettings } from '../../../helpers/broker.js';
import { createManualClock } from '../../../helpers/manual-clock.js';
import { decode, encode } from '../../message/messages.js';
import { createMemoryStore } from '../memory-store.js';

const SECOND_MS = 1000;

const turn = async () => {
  for (let count = 0; count < 6; count++) await new Promise((resolve) => setImmediate(resolve));
};

interface Held {
  readonly session: HeldSession;
  readonly got: QueueDelivery[];
  credit: number;
}

/** A queue with sessions and its dead letters, on a store that outlives them. */
async function createSystem() {
  const store = createMemoryStore();
  const clock = createManualClock(0);
  let tokens = 0;
  const onError = (error: unknown) => {
    throw error;
  };
  const deps = { store, clock, onError, newToken: () => (tokens++).toString(16).padStart(32, '0') };
  const settings = () => ({ ...queueSettings, lockDurationMs: 3_600_000, deadLetteringOnMessageExpiration: true });

  async function open() {
    const [state, deadState] = await store.getMany([storeStateKey(1), storeStateKey(2)]);
    const dead = createQueueRuntime(deps, { id: 2, state: decodeQueueState(deadState), settings });
    const queue = createQueueRuntime(deps, {
      id: 1,
      state: decodeQueueState(state),
      settings,
      deadLetters: dead,
      requiresSession: true,
    });
    store.onBatch((into) => {
      for (const one of [queue, dead]) one.contribute(into);
    });
    queue.start();
    return { queue, dead };
  }

  const system = {
    now: await open(),
    held: new Map<string, Held>(),
    async send(body: number, sessionId: string, ttlMs: number | undefined) {
      const ttl = ttlMs === undefined ? {} : { ttl: ttlMs };
      const staged = system.now.queue.stage(parseIncoming(encode({ body, group_id: sessionId, ...ttl })));
      await store.commit([staged.write]);
      staged.publish();
    },
    async accept(sessionId: string): Promise<Held | undefined> {
      const session = await system.now.queue.sessions?.accept(sessionId, system);
      if (session === undefined) return undefined;
      const held: Held = { session, got: [], credit: 0 };
      session.attach({
        mode: 'peek-lock',
        wants: () => held.credit > 0,
        reserve: () => void held.credit--,
        cancel: () => void held.credit++,
        deliver: (delivery) => void held.got.push(delivery),
      });
      system.held.set(sessionId, held);
      return held;
    },
    async receive(held: Held): Promise<QueueDelivery | undefined> {
      const { session, got } = held;
      const before = got.length;
      held.credit = 1;
      session.demandChanged();
      await session.quiet();
      held.credit = 0;
      return got[before];
    },
    async advance(seconds: number) {
      for (let step = 0; step < seconds * 10; step++) {
        clock.advance(SECOND_MS / 10);
        await turn();
      }
    },
    async restart() {
      for (const one of [system.now.queue, system.now.dead]) one.stop();
      await turn();
      await store.close();
      system.held.clear();
      system.now = await open();
      await turn();
    },
    bodies: async (which: 'queue' | 'dead') =>
      (await system.now[which].peek(0, 1000)).map(({ payload }) => Number(decode(payload)['body'])),
  };
  return system;
}

describe('messages of sessions that expire', () => {
  it('go at their time where nobody receives, and wherever their session is held', async () => {
    const system = await createSystem();
    await system.send(1, 'idle', 2000);
    await system.send(2, 'idle', undefined);
    await system.send(3, 'held', 2000);
    const held = await system.accept('held');
    await system.send(4, 'held', 2000);
    await system.advance(1);
    expect(system.now.queue.facts().count).toBe(4);
    await system.advance(2);
    expect(await system.bodies('queue')).toEqual([2]);
    expect((await system.bodies('dead')).sort()).toEqual([1, 3, 4]);
    expect(system.now.queue.facts().count).toBe(1);
    if (held) expect(await system.receive(held)).toBeUndefined();
  });

  it('stay while they are locked, and go soon after they came back', async () => {
    const system = await createSystem();
    await system.send(1, 's', 2000);
    const held = await system.accept('s');
    if (held === undefined) throw new Error('the session is free');
    const delivery = await system.receive(held);
    await system.advance(10);
    expect(await system.bodies('queue')).toEqual([1]);
    expect(await held.session.abandon(delivery?.lockToken as string)).toBe('done');
    await system.advance(1);
    expect([await system.bodies('queue'), await system.bodies('dead')]).toEqual([[], [1]]);
  });

  it('go after a restart', async () => {
    const system = await createSystem();
    await system.send(1, 's', 2000);
    await system.restart();
    await system.advance(3);
    expect([await system.bodies('queue'), await system.bodies('dead')]).toEqual([[], [1]]);
  });

  const SESSIONS = ['a', 'b'];
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant('send' as const), at: fc.nat(1), ttl: fc.nat(3) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('accept' as const), at: fc.nat(1), ttl: fc.constant(0) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('receive' as const), at: fc.nat(1), ttl: fc.constant(0) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('complete' as const), at: fc.nat(1), ttl: fc.constant(0) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('leave' as const), at: fc.nat(1), ttl: fc.constant(0) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('purge' as const), at: fc.nat(1), ttl: fc.nat(3) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('advance' as const), at: fc.nat(1), ttl: fc.constant(0) }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('restart' as const), at: fc.constant(0), ttl: fc.constant(0) }),
    },
  );

  it('are in the end in the dead-letter queue, each once, and all others in their place, whatever receivers do', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
        const system = await createSystem();
        const gone = new Set<number>();
        const mortal = new Set<number>();
        let sent = 0;
        let purged = 0;
        for (const { do: what, at, ttl } of steps) {
          const name = SESSIONS[at] as string;
          const held = system.held.get(name);
          if (what === 'send') {
            if (ttl > 0) mortal.add(sent);
            await system.send(sent++, name, ttl > 0 ? ttl * SECOND_MS + 50 : undefined);
          } else if (what === 'advance') await system.advance(1);
          else if (what === 'restart') await system.restart();
          else if (what === 'accept' && held === undefined) await system.accept(name);
          else if (what === 'receive' && held) await system.receive(held);
          else if (what === 'leave' && held) {
            held.session.leave();
            system.held.delete(name);
          } else if (what === 'complete' && held) {
            const delivery = held.got.shift();
            if (delivery === undefined) continue;
            const outcome = await held.session.complete(delivery.lockToken);
            if (outcome === 'done') gone.add(Number(decode(delivery.payload)['body']));
          } else if (what === 'purge' && held) purged += await held.session.deleteActive(ttl, Number.POSITIVE_INFINITY);
        }
        for (const { session } of system.held.values()) session.leave();
        await system.advance(15);
        const [left, dead] = [await system.bodies('queue'), await system.bodies('dead')];
        expect(new Set([...left, ...dead, ...gone]).size).toBe(left.length + dead.length + gone.size);
        expect(left.length + dead.length + gone.size + purged).toBe(sent);
        expect(left.filter((body) => mortal.has(body))).toEqual([]);
        expect(dead.filter((body) => !mortal.has(body))).toEqual([]);
        expect(system.now.queue.facts()).toMatchObject({ count: left.length });
        expect(system.now.dead.facts()).toMatchObject({ count: dead.length });
        // What is counted is what is there, to the byte.
        for (const name of SESSIONS)
          await (await system.accept(name))?.session.deleteActive(1000, Number.POSITIVE_INFINITY);
        expect(system.now.queue.facts()).toMatchObject({ count: 0, bytes: 0 });
      }),
      { numRuns: 100 },
    );
  });
});
