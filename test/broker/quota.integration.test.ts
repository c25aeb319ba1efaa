import { ServiceBusClient } from '@azure/service-bus';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { queue, startTestBroker, subscription, type TestBroker, topic } from '../helpers/broker.js';

const SMALL = { maxSizeInMegabytes: 1 };
const large = Buffer.alloc(600 * 1024);

let broker: TestBroker;
let client: ServiceBusClient;
beforeAll(async () => {
  broker = await startTestBroker({
    queues: [queue('q', SMALL), queue('scheduling', SMALL)],
    topics: [topic('t', { ...SMALL, subscriptions: [subscription('one'), subscription('two')] })],
    hubs: [],
  });
  client = new ServiceBusClient(broker.connectionString, { retryOptions: { maxRetries: 0 } });
});
afterAll(async () => {
  await client.close();
  await broker.remove();
});

const exceeded = (what: string) => ({
  code: 'QuotaExceeded',
  message: expect.stringContaining(`The maximum entity size has been reached or exceeded for ${what}.`),
});

describe('an entity that has its full size, through the official client', () => {
  it('refuses sends with QuotaExceeded, and takes them again when there is room', async () => {
    const sender = client.createSender('q');
    await sender.sendMessages({ body: large });
    await sender.sendMessages({ body: large });
    await expect(sender.sendMessages({ body: 'one more' })).rejects.toMatchObject(exceeded("Queue: 'q'"));
    const receiver = client.createReceiver('q');
    const [message] = await receiver.receiveMessages(1);
    if (message === undefined) throw new Error('nothing came');
    await receiver.completeMessage(message);
    await sender.sendMessages({ body: 'one more' });
  });

  it('refuses to schedule', async () => {
    const sender = client.createSender('scheduling');
    const inAnHour = new Date(Date.now() + 3_600_000);
    await sender.scheduleMessages([{ body: large }], inAnHour);
    await sender.scheduleMessages([{ body: large }], inAnHour);
    await expect(sender.scheduleMessages({ body: 'one more' }, inAnHour)).rejects.toMatchObject(
      exceeded("Queue: 'scheduling'"),
    );
  });

  it('counts every copy that a topic makes', async () => {
    const sender = client.createSender('t');
    await sender.sendMessages({ body: large });
    await expect(sender.sendMessages({ body: 'one more' })).rejects.toMatchObject(exceeded("Topic: 't'"));
  });
});
