import { ServiceBusClient, type ServiceBusReceivedMessage, type ServiceBusReceiver } from '@azure/service-bus';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Topology } from '../../src/broker/topology/index.js';
import { queue, startTestBroker, subscription, type TestBroker, topic } from '../helpers/broker.js';
import { createPassingClock } from '../helpers/passing-clock.js';
import { waitFor } from '../helpers/wait.js';

const topology: Topology = {
  queues: [queue('orders', { requiresDuplicateDetection: true }), queue('restarted')],
  topics: [topic('events', { subscriptions: [subscription('one'), subscription('two')] })],
  hubs: [],
};
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const inMs = (ms: number) => new Date(Date.now() + ms);

describe('scheduled messages under the official client', () => {
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

  it('are delivered at their time under a new number', async () => {
    const sender = client.createSender('orders');
    const at = inMs(MINUTE_MS);
    const numbers = await sender.scheduleMessages(
      [
        { body: 'a', messageId: 'a', applicationProperties: { n: 1 } },
        { body: 'b', messageId: 'b' },
      ],
      at,
    );
    expect(numbers).toHaveLength(2);
    const receiver = client.createReceiver('orders');
    clock.pass(MINUTE_MS);
    const message = await receiveOne(receiver);
    expect(message).toMatchObject({ body: 'a', state: 'active', applicationProperties: { n: 1 }, deliveryCount: 0 });
    expect(message.enqueuedTimeUtc?.getTime()).toBeGreaterThanOrEqual(at.getTime());
    expect(message.sequenceNumber?.greaterThan(numbers[1] ?? 0)).toBe(true);
    expect(message.enqueuedSequenceNumber).toBe(numbers[0]?.toNumber());
    await receiver.completeMessage(message);
    await receiver.completeMessage(await receiveOne(receiver));
    expect(await receiver.peekMessages(1)).toEqual([]);
    await expect(sender.cancelScheduledMessages(numbers)).rejects.toMatchObject({ code: 'MessageNotFound' });
  });

  it('can be peeked at, never come once they are cancelled, and count for duplicate detection', async () => {
    const sender = client.createSender('orders');
    const at = inMs(HOUR_MS);
    const [number] = await sender.scheduleMessages({ body: 'never', messageId: 'n' }, at);
    await sender.sendMessages({ body: 'also never', messageId: 'n' });
    const receiver = client.createReceiver('orders');
    const peeked = await receiver.peekMessages(5);
    expect(peeked.map(({ body, state }) => [body, state])).toEqual([['never', 'scheduled']]);
    expect([peeked[0]?.scheduledEnqueueTimeUtc, peeked[0]?.sequenceNumber]).toEqual([at, number]);
    await sender.cancelScheduledMessages(number as NonNullable<typeof number>);
    expect(await receiver.peekMessages(5, { fromSequenceNumber: number as NonNullable<typeof number> })).toEqual([]);

    await sender.sendMessages({ body: 'now', messageId: 'm' });
    await sender.scheduleMessages({ body: 'later', messageId: 'm' }, inMs(HOUR_MS));
    const message = await receiveOne(receiver);
    expect(message.body).toBe('now');
    await receiver.completeMessage(message);
    expect(await receiver.peekMessages(5, { fromSequenceNumber: number as NonNullable<typeof number> })).toEqual([]);
  });

  it('wait in the topic and reach every subscription when they are due, however they were sent', async () => {
    const sender = client.createSender('events');
    const at = new Date(clock.now() + MINUTE_MS);
    await sender.sendMessages([
      { body: 'sent', messageId: 'sent', scheduledEnqueueTimeUtc: at },
      { body: 'now', messageId: 'now' },
    ]);
    await sender.scheduleMessages({ body: 'scheduled', messageId: 'scheduled' }, at);
    clock.pass(MINUTE_MS);
    for (const name of ['one', 'two']) {
      const receiver = client.createReceiver('events', name);
      for (const body of ['now', 'sent', 'scheduled']) {
        const message = await receiveOne(receiver);
        expect(message.body).toBe(body);
        if (body !== 'now') expect(message.enqueuedTimeUtc?.getTime()).toBeGreaterThanOrEqual(at.getTime());
        await receiver.completeMessage(message);
      }
    }
  });

  it('stay over a restart, and those that fell due meanwhile come at once', async () => {
    const sender = client.createSender('restarted');
    const [, kept] = [
      await sender.scheduleMessages({ body: 'soon', messageId: 'soon' }, inMs(300)),
      await sender.scheduleMessages({ body: 'kept', messageId: 'kept' }, inMs(HOUR_MS)),
    ];
    await client.close();
    await broker.stop();
    broker = await startTestBroker(topology, { clock, dataDir: broker.dataDir });
    connect();
    const receiver = client.createReceiver('restarted');
    const message = await receiveOne(receiver);
    expect(message.body).toBe('soon');
    await receiver.completeMessage(message);
    const again = client.createSender('restarted');
    expect((await receiver.peekMessages(5)).map(({ body, state }) => [body, state])).toEqual([['kept', 'scheduled']]);
    await again.cancelScheduledMessages(kept);
    await expect(again.cancelScheduledMessages(kept)).rejects.toMatchObject({ code: 'MessageNotFound' });
  });
});
