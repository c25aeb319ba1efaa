import { ServiceBusClient } from '@azure/service-bus';
import Long from 'long';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  createSubscriptionReceiver,
  type MessageHandler,
  type ReceivedMessage,
  type SubscriptionReceiver,
} from '../../../src/messaging/index.js';
import { messageOf } from '../../../src/shared/errors.js';
import { startTestBroker, subscription, type TestBroker, topic } from '../../helpers/broker.js';
import { waitFor } from '../../helpers/wait.js';
import { createLine, portOf, withPort } from './line.js';

const topology = {
  queues: [],
  topics: [topic('events', { subscriptions: [subscription('audit', { maxDeliveryCount: 3 })] })],
  hubs: [],
};

let broker: TestBroker;
let client: ServiceBusClient;
const errors: string[] = [];
const receivers: SubscriptionReceiver[] = [];

beforeEach(async () => {
  broker = await startTestBroker(topology);
  client = new ServiceBusClient(broker.connectionString);
});
afterEach(async () => {
  await Promise.all(receivers.splice(0).map((receiver) => receiver.stop()));
  await client.close();
  await broker.remove();
});

async function receive(handler: MessageHandler, { concurrency = 4, connectionString = broker.connectionString } = {}) {
  const receiver = await createSubscriptionReceiver(
    { connectionString },
    { topic: 'events', subscription: 'audit', concurrency },
    (error) => errors.push(messageOf(error)),
  );
  receivers.push(receiver);
  await receiver.start(handler);
  return receiver;
}

async function send(...ids: string[]) {
  const sender = client.createSender('events');
  await sender.sendMessages(
    ids.map((messageId) => ({
      messageId,
      body: Buffer.from(`{"id":"${messageId}"}`),
      applicationProperties: { type: 'purchase' },
    })),
  );
  await sender.close();
}

const textOf = ({ body }: ReceivedMessage) => Buffer.from(body as Uint8Array).toString();

/** All dead letters, once there are `count`. */
async function deadLetters(count: number) {
  const receiver = client.createReceiver('events', 'audit', { subQueueType: 'deadLetter' });
  const messages = await waitFor('the dead letters', async () => {
    const found = await receiver.peekMessages(10, { fromSequenceNumber: Long.ONE });
    return found.length >= count && found;
  });
  await receiver.close();
  return messages.map(({ messageId, deadLetterReason, deadLetterErrorDescription }) => ({
    messageId,
    deadLetterReason,
    deadLetterErrorDescription,
  }));
}

test('each message is given once, with what it carries, and is gone when completed', async () => {
  const received: ReceivedMessage[] = [];
  const receiver = await receive(async (message) => {
    received.push(message);
    return { outcome: 'complete' };
  });
  await send('a', 'b', 'c');
  await waitFor('three messages', () => received.length === 3);
  expect(received.map(textOf).sort()).toEqual(['{"id":"a"}', '{"id":"b"}', '{"id":"c"}']);
  expect(received[0]).toMatchObject({ deliveryCount: 0, applicationProperties: { type: 'purchase' } });
  expect(received[0]?.lockedUntilMs).toBeGreaterThan(Date.now());
  await receiver.stop();
  const rest = client.createReceiver('events', 'audit');
  expect(await rest.receiveMessages(1, { maxWaitTimeInMs: 500 })).toEqual([]);
});

test('an abandoned message, and one whose handler throws, comes again until the maximum, then is dead-lettered', async () => {
  const deliveries: string[] = [];
  await receive(async (message) => {
    deliveries.push(`${message.messageId}${message.deliveryCount}`);
    if (message.messageId === 'thrown') throw new Error('the handler failed');
    return { outcome: 'abandon' };
  });
  await send('abandoned', 'thrown');
  await waitFor('six deliveries', () => deliveries.length === 6);
  expect(deliveries.sort()).toEqual(['abandoned0', 'abandoned1', 'abandoned2', 'thrown0', 'thrown1', 'thrown2']);
  const dead = await deadLetters(2);
  expect(dead.map(({ messageId }) => messageId).sort()).toEqual(['abandoned', 'thrown']);
  expect(errors).toContainEqual(expect.stringContaining('the handler failed'));
});

test('a message that was in hand when the connection was lost is given up at once', async () => {
  const line = await createLine(portOf(broker.connectionString));
  const deliveries: number[] = [];
  let release: () => void = () => {};
  const receiver = await receive(
    async ({ deliveryCount }) => {
      deliveries.push(deliveryCount);
      if (deliveries.length === 1) {
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      }
      return { outcome: 'complete' };
    },
    { connectionString: withPort(broker.connectionString, line.port) },
  );
  await send('a');
  await waitFor('the message', () => deliveries.length === 1);
  line.cut();
  line.connectTo(portOf(broker.connectionString));
  await send('b');
  await waitFor('the message after the loss', () => deliveries.length === 2);
  release();
  await receiver.stop();
  line.close();
});

test('a dead-lettered message carries the reason and does not come again', async () => {
  let deliveries = 0;
  await receive(async () => {
    deliveries++;
    return { outcome: 'dead-letter', reason: 'Refused', description: 'the webhook answered 410' };
  });
  await send('a');
  expect(await deadLetters(1)).toEqual([
    { messageId: 'a', deadLetterReason: 'Refused', deadLetterErrorDescription: 'the webhook answered 410' },
  ]);
  expect(deliveries).toBe(1);
});

test('no more messages are in hand at once than the concurrency', async () => {
  let inHand = 0;
  let most = 0;
  let done = 0;
  await receive(
    async () => {
      most = Math.max(most, ++inHand);
      await new Promise((resolve) => setImmediate(resolve));
      inHand--;
      done++;
      return { outcome: 'complete' };
    },
    { concurrency: 3 },
  );
  await send(...Array.from({ length: 40 }, (_, index) => `m${index}`));
  await waitFor('all messages', () => done === 40);
  expect(most).toBeLessThanOrEqual(3);
});

test('stopping waits for the messages in hand', async () => {
  let release: () => void = () => {};
  let taken = false;
  const receiver = await receive(async () => {
    taken = true;
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    return { outcome: 'complete' };
  });
  await send('a');
  await waitFor('the message', () => taken);
  const stopped = receiver.stop();
  release();
  await stopped;
  const rest = client.createReceiver('events', 'audit');
  expect(await rest.receiveMessages(1, { maxWaitTimeInMs: 500 })).toEqual([]);
});

test.each(['killed', 'stopped'])(
  'after the broker was %s and started again messages arrive by themselves',
  async (how) => {
    const line = await createLine(portOf(broker.connectionString));
    const received: string[] = [];
    await receive(
      async (message) => {
        received.push(message.messageId);
        return { outcome: 'complete' };
      },
      { connectionString: withPort(broker.connectionString, line.port) },
    );
    await send('before');
    await waitFor('the first message', () => received.includes('before'));
    await client.close();
    if (how === 'killed') line.cut();
    await broker.stop();
    broker = await startTestBroker(topology, { dataDir: broker.dataDir });
    client = new ServiceBusClient(broker.connectionString);
    await send('after');
    line.connectTo(portOf(broker.connectionString));
    await waitFor('the next message', () => received.includes('after'));
    await receivers.splice(0)[0]?.stop();
    line.close();
  },
);
