import { ServiceBusClient, type ServiceBusReceivedMessage } from '@azure/service-bus';
import rhea from 'rhea';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Topology } from '../../src/broker/topology/index.js';
import { queue, startTestBroker, subscription, type TestBroker, topic } from '../helpers/broker.js';
import { waitFor } from '../helpers/wait.js';
import { requestManagement } from './management-request.js';

const topology: Topology = {
  queues: [
    queue('mourned', { deadLetteringOnMessageExpiration: true }),
    queue('forgotten'),
    queue('purged'),
    queue('counted', { maxDeliveryCount: 5 }),
  ],
  topics: [
    topic('events', {
      subscriptions: [
        subscription('short', { deadLetteringOnMessageExpiration: true, defaultMessageTimeToLiveMs: 1000 }),
      ],
    }),
  ],
  hubs: [],
};

describe('messages that nobody receives', () => {
  let broker: TestBroker;
  let client: ServiceBusClient;

  const connect = () => {
    client = new ServiceBusClient(broker.connectionString, { retryOptions: { maxRetries: 0 } });
  };
  beforeAll(async () => {
    broker = await startTestBroker(topology);
    connect();
  });
  afterAll(async () => {
    await client.close();
    await broker.remove();
  });
  /** Everything that is in a queue, or with `dead` in its dead-letter queue. */
  async function peek(name: string, dead = false): Promise<ServiceBusReceivedMessage[]> {
    const receiver = client.createReceiver(name, dead ? { subQueueType: 'deadLetter' } : {});
    try {
      return await receiver.peekMessages(100);
    } finally {
      await receiver.close();
    }
  }
  const bodies = (...all: unknown[]) => all.map((body) => ({ body, messageId: String(body) }));

  it('are dead-lettered or removed when their time to live is over', async () => {
    await client
      .createSender('mourned')
      .sendMessages([...bodies('a', 'b').map((message) => ({ ...message, timeToLive: 500 })), ...bodies('stays')]);
    await client.createSender('forgotten').sendMessages({ body: 'x', messageId: 'x', timeToLive: 500 });
    await client.createSender('events').sendMessages(bodies('e'));
    const found = await waitFor('the dead letters', async () => {
      const peeked = await peek('mourned', true);
      return peeked.length === 2 && peeked;
    });
    expect(found.map(({ body, deadLetterReason }) => [body, deadLetterReason])).toEqual([
      ['a', 'TTLExpiredException'],
      ['b', 'TTLExpiredException'],
    ]);
    expect((await peek('mourned')).map(({ body }) => body)).toEqual(['stays']);
    await waitFor('the end of it', async () => (await peek('forgotten')).length === 0);
    await waitFor('the dead letter', async () => (await peek('events/Subscriptions/short', true)).length === 1);
  });

  it('expire while the broker is down', async () => {
    await client.createSender('mourned').sendMessages({ body: 'late', messageId: 'late', timeToLive: 700 });
    await client.close();
    await broker.stop();
    broker = await startTestBroker(topology, { dataDir: broker.dataDir });
    connect();
    await waitFor('the dead letter', async () => (await peek('mourned', true)).some(({ body }) => body === 'late'));
  });

  it('are deleted by the batch, the oldest first', async () => {
    await client.createSender('purged').sendMessages(bodies(1, 2, 3, 4, 5));
    const receiver = client.createReceiver('purged');
    const [locked] = await receiver.receiveMessages(1);
    expect(locked?.body).toBe(1);
    const remove = (count: number, before: Date) =>
      requestManagement(broker, 'purged', 'com.microsoft:batch-delete-messages', {
        'message-count': rhea.types.wrap_int(count),
        'enqueued-time-utc': before,
      });
    expect(await remove(10, new Date(0))).toMatchObject({ statusCode: 204, body: { 'message-count': 0 } });
    expect(await remove(3, new Date())).toMatchObject({ statusCode: 200, body: { 'message-count': 3 } });
    expect((await peek('purged')).map(({ body }) => body)).toEqual([1, 5]);
    expect(await remove(0, new Date())).toMatchObject({ statusCode: 400 });
  });

  it('count a delivery that the end of the broker cut short', async () => {
    await client.createSender('counted').sendMessages(bodies('cut short'));
    const [message] = await client.createReceiver('counted').receiveMessages(1);
    expect(message).toMatchObject({ body: 'cut short', deliveryCount: 0 });
    // It is the next write that takes the fact along.
    await client.createSender('counted').sendMessages(bodies('another'));
    await client.close();
    await broker.stop();
    broker = await startTestBroker(topology, { dataDir: broker.dataDir });
    connect();
    const receiver = client.createReceiver('counted');
    const again = await waitFor('the message', async () => (await receiver.receiveMessages(1))[0]);
    expect(again).toMatchObject({ body: 'cut short', deliveryCount: 1 });
  });
});
