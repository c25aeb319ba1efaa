import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceBusClient, type ServiceBusReceivedMessage, type ServiceBusReceiver } from '@azure/service-bus';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BrokerProcess, startBrokerProcess } from '../helpers/broker-process.js';
import { waitFor } from '../helpers/wait.js';
import { startAdministrationClient } from './admin/administration-client.js';

const MAX_DELIVERIES = 3;
const HOUR = 'PT1H';

describe('a message that takes the broker down with it', () => {
  let dataDir: string;
  let broker: BrokerProcess;
  let client: ServiceBusClient;
  const start = async () => {
    broker = await startBrokerProcess(dataDir);
    client = new ServiceBusClient(broker.connectionString, { retryOptions: { maxRetries: 0 } });
  };
  const killAndStart = async () => {
    await broker.kill();
    await client.close().catch(() => {});
    await start();
  };
  const receiveOne = (receiver: ServiceBusReceiver): Promise<ServiceBusReceivedMessage> =>
    waitFor('a message', async () => (await receiver.receiveMessages(1, { maxWaitTimeInMs: 500 }))[0]);
  const inDeadLetters = (queue: string) => receiveOne(client.createReceiver(queue, { subQueueType: 'deadLetter' }));

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'penstock-crash-'));
    await start();
    const admin = startAdministrationClient(broker.connectionString, broker.caFile);
    const options = { maxDeliveryCount: MAX_DELIVERIES, autoDeleteOnIdle: HOUR };
    expect((await admin.call('createQueue', 'poison', options)).error).toBeUndefined();
    expect((await admin.call('createQueue', 'baskets', { ...options, requiresSession: true })).error).toBeUndefined();
    admin.close();
  });
  afterEach(async () => {
    await client.close();
    await broker.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  it('is counted each time, and is a dead letter in the end; its neighbours that were not delivered count nothing', async () => {
    await client.createSender('poison').sendMessages([{ body: 'poison' }, { body: 'next' }]);
    const inSession = (body: string) => ({ body, sessionId: 's' });
    await client.createSender('baskets').sendMessages([inSession('poison'), inSession('next')]);
    for (let deliveryCount = 0; deliveryCount < MAX_DELIVERIES; deliveryCount++) {
      expect(await receiveOne(client.createReceiver('poison'))).toMatchObject({ body: 'poison', deliveryCount });
      expect(await receiveOne(await client.acceptNextSession('baskets'))).toMatchObject({
        body: 'poison',
        deliveryCount,
      });
      // Whatever is written next takes it along.
      await client.createSender('events').sendMessages({ body: 'other', messageId: `m${deliveryCount}` });
      await killAndStart();
    }
    expect(await receiveOne(client.createReceiver('poison'))).toMatchObject({ body: 'next', deliveryCount: 0 });
    expect(await receiveOne(await client.acceptNextSession('baskets'))).toMatchObject({
      body: 'next',
      deliveryCount: 0,
    });
    for (const queue of ['poison', 'baskets']) {
      expect(await inDeadLetters(queue)).toMatchObject({
        body: 'poison',
        deliveryCount: MAX_DELIVERIES,
        deadLetterReason: 'MaxDeliveryCountExceeded',
      });
    }
  });

  it('is counted as a deferred one too, and given back it is a dead letter', async () => {
    await client.createSender('poison').sendMessages({ body: 'aside' });
    const first = client.createReceiver('poison');
    const { sequenceNumber } = await receiveOne(first).then(async (message) => {
      await first.deferMessage(message);
      return message;
    });
    for (let deliveryCount = 1; deliveryCount < MAX_DELIVERIES; deliveryCount++) {
      const found = await client.createReceiver('poison').receiveDeferredMessages([sequenceNumber as never]);
      expect(found).toMatchObject([{ body: 'aside', deliveryCount }]);
      await client.createSender('events').sendMessages({ body: 'other', messageId: `m${deliveryCount}` });
      await killAndStart();
    }
    // Who asks for it gets it, and may set it aside again; given back it is a dead letter.
    const receiver = client.createReceiver('poison');
    const [last] = await receiver.receiveDeferredMessages([sequenceNumber as never]);
    expect(last).toMatchObject({ deliveryCount: MAX_DELIVERIES });
    await receiver.abandonMessage(last as ServiceBusReceivedMessage);
    expect(await inDeadLetters('poison')).toMatchObject({
      body: 'aside',
      deadLetterReason: 'MaxDeliveryCountExceeded',
    });
  });
});
