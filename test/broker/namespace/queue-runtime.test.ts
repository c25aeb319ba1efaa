import { beforeEach, describe, expect, it } from 'vitest';
import { EMPTY_QUEUE } from '../../../src/broker/entities/index.js';
import { parseIncoming } from '../../../src/broker/message/index.js';
import type { QueueConsumer, QueueDelivery, QueueRuntime } from '../../../src/broker/namespace/index.js';
import { createQueueRuntime } from '../../../src/broker/namespace/queue-runtime.js';
import { publishAll } from '../../../src/broker/namespace/staged.js';
import { decodeQueueState } from '../../../src/broker/namespace/states.js';
import { storeStateKey } from '../../../src/broker/store/keys.js';
import { queueSettings } from '../../helpers/broker.js';
import { createManualClock, type ManualClock } from '../../helpers/manual-clock.js';
import { decode, encode } from '../message/messages.js';
import { createMemoryStore, type MemoryStore } from './memory-store.js';

/** Lets everything that waits for the store go on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A receiver that takes as many messages as it has credit for. */
function createReceiver(mode: QueueConsumer['mode'] = 'peek-lock') {
  const got: QueueDelivery[] = [];
  const receiver = {
    mode,
    credit: 0,
    got,
    bodies: () => got.map(({ payload }) => decode(payload)['body']),
    wants: () => receiver.credit > 0,
    reserve: () => void receiver.credit--,
    cancel: () => void receiver.credit++,
    deliver: (delivery: QueueDelivery) => void got.push(delivery),
  };
  return receiver;
}

describe('a running queue', () => {
  let store: MemoryStore;
  let clock: ManualClock;
  let queue: QueueRuntime;
  let dead: QueueRuntime;
  let settings: Omit<typeof queueSettings, 'deadLetteringOnMessageExpiration' | 'lockDurationMs'> & {
    deadLetteringOnMessageExpiration: boolean;
    lockDurationMs: number;
  };

  beforeEach(() => {
    store = createMemoryStore();
    clock = createManualClock();
    settings = { ...queueSettings, deadLetteringOnMessageExpiration: false };
    let tokens = 0;
    const onError = (error: unknown) => {
      throw error;
    };
    const deps = { store, clock, newToken: () => String(tokens++), onError };
    dead = createQueueRuntime(deps, { id: 2, state: EMPTY_QUEUE, settings: () => settings });
    queue = createQueueRuntime(deps, {
      id: 1,
      state: EMPTY_QUEUE,
      settings: () => ({ ...settings, maxDeliveryCount: 2 }),
      deadLetters: dead,
    });
  });

  async function send(...bodies: unknown[]): Promise<void> {
    const staged = bodies.map((body) =>
      queue.stage(
        parseIncoming(encode(typeof body === 'object' ? (body as object as Record<string, unknown>) : { body })),
      ),
    );
    await store.commit(staged.map(({ write }) => write));
    publishAll(staged);
  }

  it('has a delivery on disk soon where nobody writes anything else, with one write for all of that time', async () => {
    await send(1, 2);
    let batches = 0;
    store.onBatch((into) => {
      batches++;
      queue.contribute(into);
    });
    const receiver = createReceiver();
    receiver.credit = 1;
    queue.attach(receiver);
    clock.advance(50);
    receiver.credit = 1;
    queue.demandChanged();
    expect([receiver.bodies(), batches]).toEqual([[1, 2], 0]);
    clock.advance(100);
    await turn();
    expect(batches).toBe(1);
    expect(decodeQueueState(await store.get(storeStateKey(1))).deliveredBelow).toBe(3);
    clock.advance(100);
    expect(batches).toBe(1);
  });

  it('hands messages to its receivers in turn, as far as they have credit', async () => {
    const [a, b] = [createReceiver(), createReceiver()];
    a.credit = 2;
    b.credit = 5;
    queue.attach(a);
    queue.attach(b);
    await send(1, 2, 3, 4, 5);
    expect(a.got.length).toBe(2);
    expect([...a.bodies(), ...b.bodies()].sort()).toEqual([1, 2, 3, 4, 5]);
    b.credit = 0;
    await send(6);
    expect(b.bodies()).not.toContain(6);
    a.credit = 1;
    queue.demandChanged();
    expect(a.bodies().at(-1)).toBe(6);
  });

  it('delivers thousands that wait in the store, in order', async () => {
    const count = 6000;
    await send(...Array.from({ length: count }, (_, index) => index + 1));
    const receiver = createReceiver();
    receiver.credit = count + 1;
    queue.attach(receiver);
    await queue.quiet();
    expect(receiver.bodies()).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    await Promise.all(receiver.got.map(({ lockToken }) => queue.complete(lockToken)));
    expect(queue.facts()).toMatchObject({ count: 0, bytes: 0 });
    expect(store.size).toBe(0);
  });

  it('takes a message back when its lock ends, and dead-letters it the second time', async () => {
    const receiver = createReceiver();
    receiver.credit = 10;
    queue.attach(receiver);
    await send('x');
    clock.advance(queueSettings.lockDurationMs);
    await queue.quiet();
    expect(receiver.got.map(({ payload }) => decode(payload)['delivery_count'])).toEqual([0, 1]);
    expect(await queue.complete(receiver.got[0]?.lockToken ?? '')).toBe('lock-lost');
    clock.advance(queueSettings.lockDurationMs);
    await turn();
    expect([queue.facts().count, dead.facts().count]).toEqual([0, 1]);
    const [letter] = await dead.peek(0, 1);
    expect(decode(letter?.payload ?? Buffer.alloc(0))['application_properties']).toMatchObject({
      DeadLetterReason: 'MaxDeliveryCountExceeded',
    });
  });

  it('ends each lock after the duration that held when it was taken', async () => {
    const receiver = createReceiver();
    queue.attach(receiver);
    await send('long', 'short');
    receiver.credit = 1;
    queue.demandChanged();
    settings.lockDurationMs = 5000;
    receiver.credit = 1;
    queue.demandChanged();
    receiver.credit = 2;
    clock.advance(5000);
    await queue.quiet();
    expect(receiver.bodies()).toEqual(['long', 'short', 'short']);
    clock.advance(queueSettings.lockDurationMs - 5000);
    await queue.quiet();
    expect(receiver.bodies()).toEqual(['long', 'short', 'short', 'long']);
  });

  it('drops what has expired, or dead-letters it where the settings say so', async () => {
    await send({ body: 'a', ttl: 1000 }, 'b');
    clock.advance(1000);
    const receiver = createReceiver();
    receiver.credit = 10;
    queue.attach(receiver);
    await queue.quiet();
    expect([receiver.bodies(), dead.facts().count]).toEqual([['b'], 0]);
    settings.deadLetteringOnMessageExpiration = true;
    receiver.credit = 0;
    await send({ body: 'c', ttl: 1000 });
    clock.advance(1000);
    receiver.credit = 1;
    await queue.quiet();
    await turn();
    expect(dead.facts().count).toBe(1);
  });

  it.each(['before', 'while'] as const)('lets expire what is put %s others are being looked for', async (moment) => {
    const stage = () => queue.stage(parseIncoming(encode({ body: 'b', ttl: 3000 })));
    await send({ body: 'a', ttl: 1000 });
    const early = moment === 'before' ? stage() : undefined;
    clock.advance(1000);
    // The sweep is reading.
    const staged = early ?? stage();
    for (let count = 0; count < 10; count++) await turn();
    expect(queue.facts().count).toBe(1);
    await store.commit([staged.write]);
    publishAll([staged]);
    for (let step = 0; step < 6; step++) {
      clock.advance(1000);
      for (let count = 0; count < 10; count++) await turn();
    }
    expect(queue.facts().count).toBe(0);
  });

  it('removes a message before it hands it over for good', async () => {
    const receiver = createReceiver('receive-and-delete');
    await send('x');
    receiver.credit = 1;
    store.hold();
    queue.attach(receiver);
    await turn();
    expect(receiver.got).toEqual([]);
    store.release();
    await queue.quiet();
    expect([receiver.bodies(), store.size]).toEqual([['x'], 0]);
  });

  it('gives a message to the next receiver when the first left before it was sent', async () => {
    const leaver = createReceiver();
    leaver.credit = 1;
    await send('x');
    const detach = queue.attach(leaver);
    await queue.release(leaver.got[0]?.lockToken ?? '');
    detach();
    const other = createReceiver();
    other.credit = 1;
    queue.attach(other);
    await queue.quiet();
    expect(decode(other.got[0]?.payload ?? Buffer.alloc(0))).toMatchObject({ body: 'x', delivery_count: 0 });
  });

  it('keeps the application properties that a receiver set when it gave a message back', async () => {
    const receiver = createReceiver();
    receiver.credit = 1;
    queue.attach(receiver);
    await send({ body: 'x', application_properties: { a: 1 } });
    await queue.abandon(receiver.got[0]?.lockToken ?? '', { applicationProperties: new Map([['tried', 'yes']]) });
    receiver.credit = 1;
    await queue.quiet();
    expect(decode(receiver.got[1]?.payload ?? Buffer.alloc(0))['application_properties']).toEqual({
      a: 1,
      tried: 'yes',
    });
  });

  it('does not write a message back that another receiver took for good meanwhile', async () => {
    const receiver = createReceiver();
    receiver.credit = 1;
    queue.attach(receiver);
    await send('x');
    const stored = store.size;
    const other = createReceiver('receive-and-delete');
    other.credit = 1;
    queue.attach(other);
    let read = () => {};
    const { get } = store;
    store.get = async (key) => {
      await new Promise<void>((resolve) => {
        read = resolve;
      });
      return get(key);
    };
    const changes = { applicationProperties: new Map([['tried', 'yes']]) };
    const abandoned = queue.abandon(receiver.got[0]?.lockToken ?? '', changes);
    await queue.quiet();
    read();
    expect(await abandoned).toBe('done');
    await queue.quiet();
    expect(decode(other.got[0]?.payload ?? Buffer.alloc(0))).toMatchObject({
      application_properties: { tried: 'yes' },
    });
    expect(queue.facts().count).toBe(0);
    expect(store.size).toBe(stored - 1);
  });

  it('hands a message that came back over as it was changed, also while that is on its way to the disk', async () => {
    const receiver = createReceiver();
    receiver.credit = 2;
    queue.attach(receiver);
    await send('x');
    store.hold();
    const changes = { applicationProperties: new Map([['tried', 'yes']]) };
    const abandoned = queue.abandon(receiver.got[0]?.lockToken ?? '', changes);
    await turn();
    queue.demandChanged();
    await turn();
    expect(decode(receiver.got[1]?.payload ?? Buffer.alloc(0))['application_properties']).toEqual({ tried: 'yes' });
    store.release();
    expect(await abandoned).toBe('done');
  });

  it('gives messages of receivers that hang to others, also when the clock was set back by an hour', async () => {
    const hanging = createReceiver();
    hanging.credit = 1;
    queue.attach(hanging);
    await send('held');
    expect(hanging.bodies()).toEqual(['held']);
    clock.jump(-3_600_000);
    await send('later');
    hanging.credit = 1;
    queue.demandChanged();
    expect(hanging.bodies()).toEqual(['held', 'later']);
    const other = createReceiver();
    other.credit = 2;
    queue.attach(other);
    clock.advance(settings.lockDurationMs + 60_000);
    await turn();
    expect(other.bodies().sort()).toEqual(['held', 'later']);
  });

  it('gives sessions of receivers that hang to others, also when the clock was set back by an hour', async () => {
    const deps = { store, clock, newToken: () => 'token', onError: () => {} };
    const runtime = createQueueRuntime(deps, {
      id: 3,
      state: EMPTY_QUEUE,
      settings: () => settings,
      requiresSession: true,
    });
    const sessions = runtime.sessions as NonNullable<QueueRuntime['sessions']>;
    const hanging = await sessions.accept('held', undefined);
    expect(hanging).toBeDefined();
    clock.jump(-3_600_000);
    expect(await sessions.accept('later', undefined)).toBeDefined();
    expect(await sessions.accept('held', undefined)).toBeUndefined();
    clock.advance(2 * settings.lockDurationMs + 60_000);
    await turn();
    expect(await sessions.accept('held', undefined)).toBeDefined();
    expect(await sessions.accept('later', undefined)).toBeDefined();
  });
});
