import { EventHubProducerClient } from '@azure/event-hubs';
import { ServiceBusClient } from '@azure/service-bus';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { takesEncodedBatches } from '../../../src/messaging/azure/encoded-batch.js';
import { createTopicPublisher } from '../../../src/messaging/index.js';
import { startTestBroker, subscription, type TestBroker, testTopology, topic } from '../../helpers/broker.js';

let broker: TestBroker;
beforeAll(async () => {
  const filter = { kind: 'sql', expression: 'churnScore >= 0.7' } as const;
  const likely = subscription('likely', { rules: [{ name: 'score', filter }] });
  broker = await startTestBroker({ ...testTopology, topics: [topic('events', { subscriptions: [likely] })] });
});
afterAll(() => broker.remove());

test('the installed SDKs take encoded batches', async () => {
  const hub = new EventHubProducerClient(broker.connectionString, 'clicks');
  const bus = new ServiceBusClient(broker.connectionString);
  expect(takesEncodedBatches(await hub.createBatch())).toBe(true);
  expect(takesEncodedBatches(await bus.createSender('events').createMessageBatch())).toBe(true);
  await Promise.all([hub.close(), bus.close()]);
});

test('what the topic is sent is read by an unmodified client, and filters see its properties', async () => {
  const publisher = createTopicPublisher({ connectionString: broker.connectionString }, 'events', {
    timeoutMs: 20_000,
  });
  await publisher.probe();
  const churn = (messageId: string, churnScore: number) => ({
    body: JSON.stringify({ id: messageId, text: 'é 👟' }),
    messageId,
    applicationProperties: { type: 'churn_scored', source: 'shop', churnScore },
  });
  expect(await publisher.send([churn('low', 0), churn('high', 1)])).toBe(2);
  const bus = new ServiceBusClient(broker.connectionString);
  const receiver = bus.createReceiver('events', 'likely', { receiveMode: 'receiveAndDelete' });
  const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 20_000 });
  expect(message).toMatchObject({
    messageId: 'high',
    contentType: 'application/cloudevents+json',
    applicationProperties: { type: 'churn_scored', source: 'shop', churnScore: 1 },
    body: { id: 'high', text: 'é 👟' },
  });
  await Promise.all([publisher.close(), bus.close()]);
});
