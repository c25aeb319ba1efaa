import { ServiceBusClient, type ServiceBusReceivedMessage, type ServiceBusSessionReceiver } from '@azure/service-bus';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { QueueDefinition, Topology } from '../../src/broker/topology/index.js';
import { queueSettings, startTestBroker, subscription, type TestBroker, topic } from '../helpers/broker.js';
import { createPassingClock } from '../helpers/passing-clock.js';
import { waitFor } from '../helpers/wait.js';

const sessionQueue = (name: string, overrides: Partial<QueueDefinition> = {}): QueueDefinition => ({
  name,
  ...queueSettings,
  requiresDuplicateDetection: false,
  duplicateDetectionHistoryTimeWindowMs: 60_000,
  requiresSession: true,
  ...overrides,
});

const MINUTE_MS = 60_000;
/** A client renews such a lock in the middle of it. */
const SHORT_MS = 3000;

const topology: Topology = {
  queues: [
    ...['orders', 'next', 'empty', 'settling', 'lapsing', 'deferring', 'state', 'peeking', 'listing', 'streaming'].map(
      (name) => sessionQueue(name),
    ),
    sessionQueue('short', { lockDurationMs: SHORT_MS }),
    sessionQueue('plain', { requiresSession: false }),
  ],
  topics: [topic('events', { subscriptions: [subscription('s', { requiresSession: true }), subscription('all')] })],
  hubs: [],
};

describe('sessions under the official client', () => {
  const clock = createPassingClock();
  let broker: TestBroker;
  let client: ServiceBusClient;

  beforeAll(async () => {
    broker = await startTestBroker(topology, { clock });
    client = new ServiceBusClient(broker.connectionString, { retryOptions: { maxRetries: 0 } });
  });
  afterAll(async () => {
    await client.close();
    await broker.remove();
  });

  let sent = 0;
  const send = (to: string, ...messages: [sessionId: string, body: unknown][]) =>
    client
      .createSender(to)
      .sendMessages(messages.map(([sessionId, body]) => ({ sessionId, body, messageId: String(++sent) })));

  async function receive(receiver: ServiceBusSessionReceiver, count: number): Promise<ServiceBusReceivedMessage[]> {
    const messages: ServiceBusReceivedMessage[] = [];
    for (let attempt = 0; messages.length < count && attempt < 40; attempt++) {
      messages.push(...(await receiver.receiveMessages(count - messages.length, { maxWaitTimeInMs: 500 })));
    }
    return messages;
  }
  const bodies = (messages: readonly ServiceBusReceivedMessage[]) => messages.map(({ body }) => body);
  const nothing = (receiver: ServiceBusSessionReceiver) => receiver.receiveMessages(1, { maxWaitTimeInMs: 300 });

  /** A client whose waits for a session are over soon. */
  const impatient = () =>
    new ServiceBusClient(broker.connectionString, { retryOptions: { maxRetries: 0, timeoutInMs: 500 } });

  it('gives the messages of a session, and no others, in the order in which they were sent', async () => {
    await send('orders', ['a', 1], ['b', 10], ['a', 2], ['b', 20], ['a', 3]);
    const a = await client.acceptSession('orders', 'a');
    expect(a.sessionId).toBe('a');
    expect(a.sessionLockedUntilUtc.getTime()).toBeGreaterThan(Date.now());
    const messages = await receive(a, 3);
    expect(bodies(messages)).toEqual([1, 2, 3]);
    expect(messages[0]).toMatchObject({ sessionId: 'a', deliveryCount: 0, lockedUntilUtc: a.sessionLockedUntilUtc });
    for (const message of messages) await a.completeMessage(message);
    expect(await nothing(a)).toEqual([]);
    const b = await client.acceptSession('orders', 'b');
    expect(bodies(await receive(b, 2))).toEqual([10, 20]);
    await a.close();
    await b.close();
  });

  it('gives a session to one receiver at a time', async () => {
    const holder = await client.acceptSession('empty', 'one');
    await expect(client.acceptSession('empty', 'one')).rejects.toMatchObject({ code: 'SessionCannotBeLocked' });
    await holder.close();
    const next = await client.acceptSession('empty', 'one');
    await next.close();
  });

  it('gives the next session that has messages, and waits for one while there is none', async () => {
    const waiting = client.acceptNextSession('next');
    await send('next', ['x', 1], ['y', 2]);
    const first = await waiting;
    const second = await client.acceptNextSession('next');
    expect([first.sessionId, second.sessionId]).toEqual(['x', 'y']);
    const hurried = impatient();
    await expect(hurried.acceptNextSession('next')).rejects.toMatchObject({ code: 'ServiceTimeout' });
    await hurried.close();
    await first.close();
    const again = await client.acceptNextSession('next');
    expect(again.sessionId).toBe('x');
    await again.close();
    await second.close();
  });

  it('takes the end of the wait from the client, also when it goes before', async () => {
    const hurried = impatient();
    await expect(hurried.acceptNextSession('plain')).rejects.toThrow();
    await expect(hurried.acceptNextSession('empty')).rejects.toMatchObject({ code: 'ServiceTimeout' });
    const controller = new AbortController();
    const given = client.acceptNextSession('empty', { abortSignal: controller.signal });
    controller.abort();
    await given.then(
      (receiver) => receiver.close(),
      () => {},
    );
    await hurried.close();
    await send('empty', ['later', 1]);
    const later = await client.acceptNextSession('empty');
    expect(bodies(await receive(later, 1))).toEqual([1]);
    await later.close();
  });

  it('gives an abandoned message again before the next, and dead-letters outside of sessions', async () => {
    await send('settling', ['a', 1], ['a', 2], ['a', 3]);
    const receiver = await client.acceptSession('settling', 'a');
    const [first] = await receive(receiver, 1);
    await receiver.abandonMessage(first as ServiceBusReceivedMessage, { tried: true });
    const [again, second] = await receive(receiver, 2);
    expect(again).toMatchObject({ body: 1, deliveryCount: 1, applicationProperties: { tried: true } });
    expect(second).toMatchObject({ body: 2, deliveryCount: 0 });
    await receiver.completeMessage(again as ServiceBusReceivedMessage);
    await receiver.deadLetterMessage(second as ServiceBusReceivedMessage, {
      deadLetterReason: 'bad',
      deadLetterErrorDescription: 'it is',
    });
    await expect(receiver.completeMessage(second as ServiceBusReceivedMessage)).rejects.toThrow();
    await receiver.close();
    const dead = client.createReceiver('settling', { subQueueType: 'deadLetter' });
    const [letter] = await dead.receiveMessages(1, { maxWaitTimeInMs: 20_000 });
    expect(letter).toMatchObject({ body: 2, sessionId: 'a', deadLetterReason: 'bad' });
    await dead.completeMessage(letter as ServiceBusReceivedMessage);
    const rest = await client.acceptSession('settling', 'a');
    expect(bodies(await receive(rest, 1))).toEqual([3]);
    await rest.close();
  });

  it('takes unsettled messages back with the session, and that is no delivery', async () => {
    await send('settling', ['back', 1], ['back', 2]);
    const leaver = await client.acceptSession('settling', 'back');
    expect(bodies(await receive(leaver, 2))).toEqual([1, 2]);
    await leaver.close();
    const other = new ServiceBusClient(broker.connectionString);
    const dropped = await other.acceptSession('settling', 'back');
    await receive(dropped, 1);
    await other.close();
    const next = await client.acceptSession('settling', 'back');
    expect((await receive(next, 2)).map(({ body, deliveryCount }) => [body, deliveryCount])).toEqual([
      [1, 0],
      [2, 0],
    ]);
    await next.close();
  });

  // Before time is moved on: a client renews by the machine's.
  it('keeps a lock that is renewed, by the client on its own', async () => {
    await send('short', ['kept', 1]);
    const keeper = await client.acceptSession('short', 'kept');
    const [message] = await receive(keeper, 1);
    const accepted = keeper.sessionLockedUntilUtc.getTime();
    await waitFor('the end of the first lock', () => clock.now() > accepted);
    await keeper.completeMessage(message as ServiceBusReceivedMessage);
    await keeper.close();
  });

  it('ends the link when the lock on the session ends, and counts a delivery for what was out', async () => {
    await send('lapsing', ['s', 1], ['s', 2]);
    const options = { maxAutoLockRenewalDurationInMs: 0 };
    const slow = await client.acceptSession('lapsing', 's', options);
    const renewedUntil = await slow.renewSessionLock();
    expect(renewedUntil.getTime()).toBeGreaterThan(Date.now());
    const [out] = await receive(slow, 1);
    clock.pass(MINUTE_MS);
    await waitFor('the receiver to be closed', () => slow.isClosed);
    await expect(slow.completeMessage(out as ServiceBusReceivedMessage)).rejects.toMatchObject({
      code: 'SessionLockLost',
    });
    await expect(slow.renewSessionLock()).rejects.toMatchObject({ code: 'SessionLockLost' });
    const next = await client.acceptSession('lapsing', 's');
    expect((await receive(next, 2)).map(({ body, deliveryCount }) => [body, deliveryCount])).toEqual([
      [1, 1],
      [2, 0],
    ]);
    await next.close();
  });

  it('defers messages, and gives them by number to the holder of their session alone', async () => {
    await send('deferring', ['a', 1], ['a', 2], ['b', 3]);
    const a = await client.acceptSession('deferring', 'a');
    const [first] = await receive(a, 1);
    const number = first?.sequenceNumber as NonNullable<ServiceBusReceivedMessage['sequenceNumber']>;
    await a.deferMessage(first as ServiceBusReceivedMessage);
    expect(bodies(await receive(a, 1))).toEqual([2]);
    const b = await client.acceptSession('deferring', 'b');
    await expect(b.receiveDeferredMessages(number)).rejects.toMatchObject({ code: 'MessageNotFound' });
    const [found] = await a.receiveDeferredMessages(number);
    expect(found).toMatchObject({ body: 1, sessionId: 'a', lockedUntilUtc: a.sessionLockedUntilUtc });
    await expect(a.receiveDeferredMessages(number)).rejects.toMatchObject({ code: 'MessageNotFound' });
    await a.abandonMessage(found as ServiceBusReceivedMessage);
    await a.close();
    const again = await client.acceptSession('deferring', 'a');
    expect((await again.peekMessages(10)).map(({ body, state }) => [body, state])).toEqual([
      [1, 'deferred'],
      [2, 'active'],
    ]);
    const [last] = await again.receiveDeferredMessages(number);
    await again.completeMessage(last as ServiceBusReceivedMessage);
    expect(bodies(await again.peekMessages(10, { fromSequenceNumber: number }))).toEqual([2]);
    await again.close();
    await b.close();
  });

  it('keeps a state with a session, also without messages, and only for its holder', async () => {
    const receiver = await client.acceptSession('state', 'cart');
    expect(await receiver.getSessionState()).toBeNull();
    await receiver.setSessionState({ step: 2 });
    expect(await receiver.getSessionState()).toEqual({ step: 2 });
    await receiver.setSessionState('x'.repeat(300_000));
    await receiver.close();
    await expect(receiver.setSessionState(1)).rejects.toThrow();
    const next = await client.acceptSession('state', 'cart');
    expect(await next.getSessionState()).toBe('x'.repeat(300_000));
    await next.close();
  });

  it('shows the messages of a session without taking them', async () => {
    await send('peeking', ['a', 1], ['b', 2], ['a', 3]);
    // The client remembers one position for all sessions of an entity.
    const other = new ServiceBusClient(broker.connectionString);
    const b = await other.acceptSession('peeking', 'b');
    expect(bodies(await b.peekMessages(10))).toEqual([2]);
    await other.close();
    const a = await client.acceptSession('peeking', 'a');
    expect(bodies(await a.peekMessages(10))).toEqual([1, 3]);
    expect(bodies(await receive(a, 2))).toEqual([1, 3]);
    await a.close();
  });

  it('hands messages over for good in receive-and-delete mode', async () => {
    await send('peeking', ['gone', 1], ['gone', 2]);
    const taker = await client.acceptSession('peeking', 'gone', { receiveMode: 'receiveAndDelete' });
    expect(bodies(await receive(taker, 2))).toEqual([1, 2]);
    expect(await taker.peekMessages(1)).toEqual([]);
    await taker.close();
  });

  it('streams a session to a subscriber, one message after the other', async () => {
    await send('streaming', ...[1, 2, 3, 4, 5].map((body): [string, unknown] => ['a', body]));
    const receiver = await client.acceptNextSession('streaming');
    const seen: unknown[] = [];
    const subscription = receiver.subscribe({
      processMessage: async ({ body }) => void seen.push(body),
      processError: async () => {},
    });
    await waitFor('five messages', () => seen.length >= 5);
    await send('streaming', ['a', 6]);
    await waitFor('the sixth', () => seen.length >= 6);
    await subscription.close();
    await receiver.close();
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
    const rest = await client.acceptSession('streaming', 'a');
    expect(await rest.peekMessages(1)).toEqual([]);
    await rest.close();
  });

  it('gives a subscription its copies by session, and dead-letters those without one', async () => {
    await client.createSender('events').sendMessages([
      { messageId: 'm1', body: 1, sessionId: 'a' },
      { messageId: 'm2', body: 2 },
    ]);
    const receiver = await client.acceptNextSession('events', 's');
    expect(bodies(await receive(receiver, 1))).toEqual([1]);
    await receiver.close();
    const dead = client.createReceiver('events', 's', { subQueueType: 'deadLetter' });
    const [letter] = await dead.receiveMessages(1, { maxWaitTimeInMs: 20_000 });
    expect(letter).toMatchObject({ body: 2, deadLetterReason: 'Session ID is null.' });
    const all = client.createReceiver('events', 'all');
    expect(bodies(await all.receiveMessages(2, { maxWaitTimeInMs: 5000 }))).toEqual([1, 2]);
  });

  it('refuses messages without a session id, and receivers of the wrong kind', async () => {
    await expect(client.createSender('orders').sendMessages({ body: 1 })).rejects.toThrow('The SessionId was not set');
    await expect(client.createReceiver('orders').receiveMessages(1)).rejects.toThrow(
      'It is not possible for an entity that requires sessions',
    );
    await expect(client.acceptSession('plain', 'a')).rejects.toThrow();
  });
});
