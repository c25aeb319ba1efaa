import {
  type ServiceBusAdministrationClient,
  ServiceBusClient,
  type ServiceBusReceivedMessage,
} from '@azure/service-bus';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { queue, startTestBroker, subscription, type TestBroker, topic } from '../helpers/broker.js';
import { type AdministrationClient, startAdministrationClient } from './admin/administration-client.js';

let broker: TestBroker;
let client: ServiceBusClient;
let admin: AdministrationClient;

beforeAll(async () => {
  broker = await startTestBroker({
    queues: [queue('inbox', { forwardTo: 'orders' }), queue('orders'), queue('plain')],
    topics: [topic('events', { subscriptions: [subscription('billing', { forwardTo: 'Orders' })] })],
    hubs: [],
  });
  client = new ServiceBusClient(broker.connectionString, { retryOptions: { maxRetries: 0 } });
  admin = startAdministrationClient(broker.connectionString, broker.caFile);
});
afterAll(async () => {
  admin.close();
  await client.close();
  await broker.remove();
});

async function call(method: keyof ServiceBusAdministrationClient, ...args: unknown[]): Promise<unknown> {
  const { value, error } = await admin.call(method, ...args);
  expect(error).toBeUndefined();
  return value;
}

type SubQueue = 'deadLetter' | 'transferDeadLetter';

/** Takes and completes `count` messages. */
async function take(name: string, count: number, subQueueType?: SubQueue): Promise<ServiceBusReceivedMessage[]> {
  const receiver = client.createReceiver(name, subQueueType ? { subQueueType } : {});
  const messages: ServiceBusReceivedMessage[] = [];
  while (messages.length < count) {
    for (const message of await receiver.receiveMessages(count - messages.length, { maxWaitTimeInMs: 2000 })) {
      messages.push(message);
      await receiver.completeMessage(message);
    }
  }
  await receiver.close();
  return messages;
}

const autoForwarding = {
  message: expect.stringContaining(
    'InvalidOperationError: Cannot create a message receiver on an entity with auto-forwarding enabled.',
  ),
};

describe('auto-forwarding, through the official clients', () => {
  it('takes a message from a queue and from a subscription to the queue that they name', async () => {
    await client.createSender('inbox').sendMessages({ messageId: 'q', body: 1 });
    await client.createSender('events').sendMessages({ messageId: 't', body: 2, subject: 'kept' });
    expect(await take('orders', 2)).toMatchObject([
      { messageId: 'q', body: 1 },
      { messageId: 't', body: 2, subject: 'kept' },
    ]);
  });

  it('lets nobody receive from an entity that forwards', async () => {
    await expect(client.createReceiver('inbox').receiveMessages(1)).rejects.toMatchObject(autoForwarding);
    await expect(client.createReceiver('events', 'billing').receiveMessages(1)).rejects.toMatchObject(autoForwarding);
  });

  it('is switched on and off at run time; receivers of the source are sent away', async () => {
    await call('createQueue', 'source');
    await call('createQueue', 'target');
    const receiver = client.createReceiver('source');
    const gone = new Promise((resolve) => {
      receiver.subscribe({ processMessage: async () => {}, processError: async ({ error }) => resolve(error) });
    });
    const properties = (await call('getQueue', 'source')) as object;
    await call('updateQueue', { ...properties, forwardTo: 'target' });
    expect(await gone).toMatchObject(autoForwarding);
    await client.createSender('source').sendMessages({ messageId: 'f', body: 'forwarded' });
    await receiver.close();
    expect((await take('target', 1))[0]?.body).toBe('forwarded');
    await call('updateQueue', { ...properties, forwardTo: undefined });
    await client.createSender('source').sendMessages({ body: 'kept' });
    expect(await call('getQueueRuntimeProperties', 'target')).toMatchObject({ activeMessageCount: 0 });
  });

  it('says that a destination does not exist', async () => {
    const { error } = await admin.call('createQueue', 'lost', { forwardTo: 'nowhere' });
    expect(error).toMatchObject({
      statusCode: 400,
      message: expect.stringContaining('forwardTo: there is no queue or topic nowhere'),
    });
  });

  it('keeps what cannot be forwarded in the transfer dead-letter queue, which can be read and counted', async () => {
    await call('createQueue', 'short-lived');
    await call('createQueue', 'left-alone', { forwardTo: 'short-lived' });
    await call('deleteQueue', 'short-lived');
    await client.createSender('left-alone').sendMessages({ messageId: 'm', body: 'undeliverable' });
    expect(await call('getQueueRuntimeProperties', 'left-alone')).toMatchObject({
      activeMessageCount: 0,
      transferDeadLetterMessageCount: 1,
      totalMessageCount: 1,
    });
    const [message] = await take('left-alone', 1, 'transferDeadLetter');
    expect(message).toMatchObject({
      messageId: 'm',
      body: 'undeliverable',
      deadLetterReason: 'MessagingEntityNotFound',
      deadLetterErrorDescription: expect.stringContaining('short-lived'),
    });
    expect(await call('getQueueRuntimeProperties', 'left-alone')).toMatchObject({ totalMessageCount: 0 });
  });

  it('forwards dead letters, which then say where they come from', async () => {
    await call('createQueue', 'graveyard');
    await call('createQueue', 'mortal', { forwardDeadLetteredMessagesTo: 'graveyard' });
    await client.createSender('mortal').sendMessages({ messageId: 'm', body: 1 });
    const receiver = client.createReceiver('mortal');
    const [message] = await receiver.receiveMessages(1);
    await receiver.deadLetterMessage(message as ServiceBusReceivedMessage, {
      deadLetterReason: 'bad',
      deadLetterErrorDescription: 'very',
    });
    expect(await take('graveyard', 1)).toMatchObject([
      { messageId: 'm', deadLetterReason: 'bad', deadLetterSource: 'mortal' },
    ]);
    const dead = client.createReceiver('mortal', { subQueueType: 'deadLetter' });
    await expect(dead.receiveMessages(1)).rejects.toMatchObject(autoForwarding);
    await receiver.close();
  });
});
