import { ServiceBusClient, type ServiceBusReceivedMessage, type ServiceBusReceiver } from '@azure/service-bus';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Topology } from '../../src/broker/topology/index.js';
import { queue, startTestBroker, subscription, type TestBroker, topic } from '../helpers/broker.js';
import { createPassingClock } from '../helpers/passing-clock.js';
import { waitFor } from '../helpers/wait.js';

const MINUTE_MS = 60_000;

const topology: Topology = {
  queues: [
    queue('orders'),
    queue('dead'),
    queue('restarted'),
    queue('taken'),
    queue('short', { deadLetteringOnMessageExpiration: true }),
    queue('link'),
  ],
  topics: [topic('events', { subscriptions: [subscription('audit')] })],
  hubs: [],
};

type Long = NonNullable<ServiceBusReceivedMessage['sequenceNumber']>;

describe('deferral under the official client', () => {
  const clock = createPassingClock();
  let broker: TestBroker;
  let client: ServiceBusClient;

  const connect = () => {
    client = new ServiceBusClient(broker.connectionString, { retryOptions: { maxRetries: 0 } });
  };
  beforeAll(async () => {
    broker = await startTestBroker(topology, { clock });
    connect();
  });
  afterAll(async () => {
    await client.close();
    await broker.remove();
  });

  const receiveOne = (receiver: ServiceBusReceiver): Promise<ServiceBusReceivedMessage> =>
    waitFor('a message', async () => (await receiver.receiveMessages(1, { maxWaitTimeInMs: 500 }))[0]);
  const sequenceOf = (message: ServiceBusReceivedMessage) => message.sequenceNumber as Long;
  async function deferredOne(receiver: ServiceBusReceiver, sequence: Long): Promise<ServiceBusReceivedMessage> {
    const [message] = await receiver.receiveDeferredMessages(sequence);
    return message as ServiceBusReceivedMessage;
  }
  const missing = { code: 'MessageNotFound' };

  it('sets a message aside with new properties, for who knows its number', async () => {
    await client
      .createSender('orders')
      .sendMessages({ body: 'later', messageId: 'later', applicationProperties: { a: 1, b: 2 } });
    const receiver = client.createReceiver('orders');
    const message = await receiveOne(receiver);
    await receiver.deferMessage(message, { b: 'changed', why: 'no stock' });
    expect(await receiver.receiveMessages(1, { maxWaitTimeInMs: 300 })).toEqual([]);
    const [peeked] = await receiver.peekMessages(1);
    expect(peeked).toMatchObject({ body: 'later', state: 'deferred' });

    const again = await deferredOne(receiver, sequenceOf(message));
    expect(again).toMatchObject({
      body: 'later',
      state: 'deferred',
      deliveryCount: 1,
      applicationProperties: { a: 1, b: 'changed', why: 'no stock' },
    });
    expect(again.lockedUntilUtc?.getTime()).toBeGreaterThan(Date.now());
    // Somebody has it in hand.
    await expect(receiver.receiveDeferredMessages(sequenceOf(message))).rejects.toMatchObject(missing);
    await receiver.renewMessageLock(again);
    await receiver.abandonMessage(again, { tried: true });
    const third = await deferredOne(receiver, sequenceOf(message));
    expect(third).toMatchObject({ deliveryCount: 2, applicationProperties: { tried: true } });
    await receiver.deferMessage(third);
    const fourth = await deferredOne(receiver, sequenceOf(message));
    expect(fourth).toMatchObject({ deliveryCount: 3, state: 'deferred' });
    await receiver.completeMessage(fourth);
    await expect(receiver.receiveDeferredMessages(sequenceOf(message))).rejects.toMatchObject(missing);
    expect(await receiver.peekMessages(1, { fromSequenceNumber: sequenceOf(message) })).toEqual([]);
  });

  it('dead-letters a deferred message, and defers in the dead-letter queue too', async () => {
    await client.createSender('dead').sendMessages({ body: 'bad', messageId: 'bad' });
    const receiver = client.createReceiver('dead');
    const message = await receiveOne(receiver);
    await receiver.deferMessage(message);
    const deferred = await deferredOne(receiver, sequenceOf(message));
    await receiver.deadLetterMessage(deferred, { deadLetterReason: 'bad', deadLetterErrorDescription: 'very', x: 1 });
    const dead = client.createReceiver('dead', { subQueueType: 'deadLetter' });
    const letter = await receiveOne(dead);
    expect(letter).toMatchObject({
      deadLetterReason: 'bad',
      deadLetterErrorDescription: 'very',
      applicationProperties: { x: 1 },
      deliveryCount: 1,
      state: 'active',
    });
    await dead.deferMessage(letter);
    const found = await deferredOne(dead, sequenceOf(letter));
    expect(found).toMatchObject({ body: 'bad', state: 'deferred', deliveryCount: 2 });
    await dead.completeMessage(found);
  });

  it('takes all of the numbers or none, and in receive-and-delete mode for good', async () => {
    const sender = client.createSender('taken');
    await sender.sendMessages([1, 2].map((body) => ({ body, messageId: body })));
    const receiver = client.createReceiver('taken');
    const numbers: Long[] = [];
    for (let count = 0; count < 2; count++) {
      const message = await receiveOne(receiver);
      numbers.push(sequenceOf(message));
      await receiver.deferMessage(message);
    }
    const [first, second] = numbers as [Long, Long];
    await expect(receiver.receiveDeferredMessages([first, second.add(100)])).rejects.toMatchObject(missing);
    const taking = client.createReceiver('taken', { receiveMode: 'receiveAndDelete' });
    const taken = await taking.receiveDeferredMessages([first, second]);
    expect(taken.map(({ body }) => body)).toEqual([1, 2]);
    await expect(receiver.receiveDeferredMessages([first])).rejects.toMatchObject(missing);
    expect(await receiver.peekMessages(1)).toEqual([]);
  });

  it('keeps deferred messages, their properties and delivery counts over a restart', async () => {
    await client.createSender('restarted').sendMessages({ body: 'kept', messageId: 'kept' });
    const receiver = client.createReceiver('restarted');
    const message = await receiveOne(receiver);
    await receiver.deferMessage(message, { step: 1 });
    await client.close();
    await broker.stop();
    broker = await startTestBroker(topology, { clock, dataDir: broker.dataDir });
    connect();
    const after = client.createReceiver('restarted');
    expect(await after.receiveMessages(1, { maxWaitTimeInMs: 300 })).toEqual([]);
    const found = await deferredOne(after, sequenceOf(message));
    expect(found).toMatchObject({ body: 'kept', deliveryCount: 1, applicationProperties: { step: 1 } });
    await after.completeMessage(found);
  });

  it('lets a deferred message expire when it is asked for', async () => {
    const receiver = client.createReceiver('short');
    await client.createSender('short').sendMessages({ body: 'old', messageId: 'old', timeToLive: MINUTE_MS });
    const message = await receiveOne(receiver);
    await receiver.deferMessage(message);
    clock.pass(MINUTE_MS);
    expect(await receiver.peekMessages(1)).toHaveLength(1);
    await expect(receiver.receiveDeferredMessages(sequenceOf(message))).rejects.toMatchObject(missing);
    const letter = await receiveOne(client.createReceiver('short', { subQueueType: 'deadLetter' }));
    expect(letter).toMatchObject({ body: 'old', deadLetterReason: 'TTLExpiredException' });
  });

  it('settles messages whose subscription was closed, and deferred ones, by lock token', async () => {
    const receiver = client.createReceiver('link');
    const bodies = ['complete', 'abandon', 'defer', 'dead-letter', 'renew'];
    await client.createSender('link').sendMessages(bodies.map((body) => ({ body, messageId: body })));
    const messages = new Map<string, ServiceBusReceivedMessage>();
    const subscription = receiver.subscribe(
      {
        processMessage: async (message) => void messages.set(String(message.body), message),
        processError: async ({ error }) => {
          throw error;
        },
      },
      { autoCompleteMessages: false, maxConcurrentCalls: 10 },
    );
    await waitFor('all messages', () => messages.size === bodies.length);
    await subscription.close();
    const of = (body: string) => messages.get(body) as ServiceBusReceivedMessage;
    await receiver.completeMessage(of('complete'));
    await receiver.abandonMessage(of('abandon'), { back: 1 });
    await receiver.deferMessage(of('defer'), { set: 'aside' });
    await receiver.deadLetterMessage(of('dead-letter'), {
      deadLetterReason: 'r',
      deadLetterErrorDescription: 'd',
      more: 'x',
    });
    expect((await receiver.renewMessageLock(of('renew'))).getTime()).toBeGreaterThan(Date.now());
    await receiver.completeMessage(of('renew'));

    const back = await receiveOne(receiver);
    expect(back).toMatchObject({ body: 'abandon', deliveryCount: 1, applicationProperties: { back: 1 } });
    await receiver.completeMessage(back);
    const aside = await deferredOne(receiver, sequenceOf(of('defer')));
    expect(aside).toMatchObject({ body: 'defer', applicationProperties: { set: 'aside' } });
    await receiver.completeMessage(aside);
    const letter = await receiveOne(client.createReceiver('link', { subQueueType: 'deadLetter' }));
    expect(letter).toMatchObject({
      body: 'dead-letter',
      deadLetterReason: 'r',
      deadLetterErrorDescription: 'd',
      applicationProperties: { more: 'x' },
    });
    expect(await receiver.peekMessages(1)).toEqual([]);
  });

  it('defers messages of a subscription', async () => {
    await client.createSender('events').sendMessages({ body: 'e', messageId: 'e' });
    const receiver = client.createReceiver('events', 'audit');
    const message = await receiveOne(receiver);
    await receiver.deferMessage(message);
    await receiver.completeMessage(await deferredOne(receiver, sequenceOf(message)));
  });
});
