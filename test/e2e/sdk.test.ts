import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { EventHubConsumerClient, EventHubProducerClient, earliestEventPosition } from '@azure/event-hubs';
import { ServiceBusClient } from '@azure/service-bus';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningInstance, startInstance } from './support/penstock.js';

let instance: RunningInstance;
beforeAll(async () => {
  instance = await startInstance();
});
afterAll(async () => {
  await instance.stop();
  instance.remove();
});

test('an unmodified Service Bus client sends to the topic and its filters route', async () => {
  const client = new ServiceBusClient(instance.endpoints.serviceBusConnectionString);
  const sender = client.createSender('events');
  await sender.sendMessages([
    { messageId: 'a', body: { n: 1 }, applicationProperties: { type: 'churn_scored', churnScore: 0.9 } },
    { messageId: 'b', body: { n: 2 }, applicationProperties: { type: 'churn_scored', churnScore: 0.2 } },
    { messageId: 'c', body: { n: 3 }, applicationProperties: { type: 'refund' } },
  ]);
  await sender.sendMessages({
    messageId: 'a',
    body: { n: 4 },
    applicationProperties: { type: 'churn_scored', churnScore: 0.9 },
  });

  const drain = async (subscription: string) => {
    const receiver = client.createReceiver('events', subscription);
    const messages = await receiver.receiveMessages(10, { maxWaitTimeInMs: 2_000 });
    for (const message of messages) await receiver.completeMessage(message);
    await receiver.close();
    return messages.map((message) => message.messageId);
  };
  expect(await drain('profile-writer')).toEqual(['a', 'b']);
  expect(await drain('retention-campaign')).toEqual(['a']);
  expect(await drain('analytics-forwarder')).toEqual(['c']);
  expect(await drain('profile-writer')).toEqual([]);
  await client.close();
});

test('an unmodified Event Hubs client sends and receives', async () => {
  const { eventHubsConnectionString } = instance.endpoints;
  const producer = new EventHubProducerClient(eventHubsConnectionString, 'clicks');
  await producer.sendBatch([{ body: { hello: 'hub' } }], { partitionId: '2' });
  const consumer = new EventHubConsumerClient('replay', eventHubsConnectionString, 'clicks');
  const body = await new Promise((resolve, reject) => {
    const subscription = consumer.subscribe(
      '2',
      {
        async processEvents(events) {
          if (events.length === 0) return;
          resolve(events[0]?.body);
          await subscription.close();
        },
        async processError(error) {
          reject(error);
        },
      },
      { startPosition: earliestEventPosition },
    );
  });
  expect(body).toEqual({ hello: 'hub' });
  await consumer.close();
  await producer.close();
});

test('an unmodified administration client manages entities over TLS on the same port', async () => {
  const script = `
    const { ServiceBusAdministrationClient } = require('@azure/service-bus');
    (async () => {
      const admin = new ServiceBusAdministrationClient(process.env.CONNECTION_STRING);
      const names = [];
      for await (const subscription of admin.listSubscriptions('events')) names.push(subscription.subscriptionName);
      await admin.createSubscription('events', 'made-at-run-time');
      console.log(JSON.stringify({ names: names.sort(), exists: await admin.subscriptionExists('events', 'made-at-run-time') }));
    })().catch((error) => { console.error(error); process.exit(1); });`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], {
    env: {
      ...process.env,
      // Node reads this at the start of a process, so the client runs in one of its own.
      NODE_EXTRA_CA_CERTS: instance.endpoints.caFile,
      CONNECTION_STRING: instance.endpoints.serviceBusConnectionString,
    },
  });
  expect(JSON.parse(stdout)).toEqual({
    names: ['analytics-forwarder', 'audit', 'live-figures', 'profile-writer', 'retention-campaign'],
    exists: true,
  });
});

test('a token made with a wrong key is refused', async () => {
  const wrong = instance.endpoints.serviceBusConnectionString.replace(
    /SharedAccessKey=[^;]+/,
    'SharedAccessKey=d3Jvbmc=',
  );
  const client = new ServiceBusClient(wrong, { retryOptions: { maxRetries: 0 } });
  await expect(client.createSender('events').sendMessages({ body: 1 })).rejects.toMatchObject({
    code: 'UnauthorizedAccess',
  });
  await client.close();
});
