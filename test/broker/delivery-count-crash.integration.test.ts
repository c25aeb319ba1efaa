import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { beforeEach, describe, expect, it } from 'vitest';
import { useKillableBroker } from '../helpers/killable-broker.js';
import { startAdministrationClient } from './admin/administration-client.js';

const MAX_DELIVERIES = 3;
const HOUR = 'PT1H';

describe('a message that takes the broker down with it', () => {
  const one = useKillableBroker();
  const { killAndStart, receiveOne } = one;
  const inDeadLetters = (queue: string) => receiveOne(one.client.createReceiver(queue, { subQueueType: 'deadLetter' }));

  beforeEach(async () => {
    const admin = startAdministrationClient(one.broker.connectionString, one.broker.caFile);
    const options = { maxDeliveryCount: MAX_DELIVERIES, autoDeleteOnIdle: HOUR };
    expect((await admin.call('createQueue', 'poison', options)).error).toBeUndefined();
    expect((await admin.call('createQueue', 'baskets', { ...options, requiresSession: true })).error).toBeUndefined();
    admin.close();
  });
  it('is counted each time, and is a dead letter in the end; its neighbours that were not delivered count nothing', async () => {
    await one.client.createSender('poison').sendMessages([{ body: 'poison' }, { body: 'next' }]);
    const inSession = (body: string) => ({ body, sessionId: 's' });
    await one.client.createSender('baskets').sendMessages([inSession('poison'), inSession('next')]);
    for (let deliveryCount = 0; deliveryCount < MAX_DELIVERIES; deliveryCount++) {
      expect(await receiveOne(one.client.createReceiver('poison'))).toMatchObject({ body: 'poison', deliveryCount });
      expect(await receiveOne(await one.client.acceptNextSession('baskets'))).toMatchObject({
        body: 'poison',
        deliveryCount,
      });
      // Whatever is written next takes it along.
      await one.client.createSender('events').sendMessages({ body: 'other', messageId: `m${deliveryCount}` });
      await killAndStart();
    }
    expect(await receiveOne(one.client.createReceiver('poison'))).toMatchObject({ body: 'next', deliveryCount: 0 });
    expect(await receiveOne(await one.client.acceptNextSession('baskets'))).toMatchObject({
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
    await one.client.createSender('poison').sendMessages({ body: 'aside' });
    const first = one.client.createReceiver('poison');
    const { sequenceNumber } = await receiveOne(first).then(async (message) => {
      await first.deferMessage(message);
      return message;
    });
    for (let deliveryCount = 1; deliveryCount < MAX_DELIVERIES; deliveryCount++) {
      const found = await one.client.createReceiver('poison').receiveDeferredMessages([sequenceNumber as never]);
      expect(found).toMatchObject([{ body: 'aside', deliveryCount }]);
      await one.client.createSender('events').sendMessages({ body: 'other', messageId: `m${deliveryCount}` });
      await killAndStart();
    }
    // Who asks for it gets it, and may set it aside again; given back it is a dead letter.
    const receiver = one.client.createReceiver('poison');
    const [last] = await receiver.receiveDeferredMessages([sequenceNumber as never]);
    expect(last).toMatchObject({ deliveryCount: MAX_DELIVERIES });
    await receiver.abandonMessage(last as ServiceBusReceivedMessage);
    expect(await inDeadLetters('poison')).toMatchObject({
      body: 'aside',
      deadLetterReason: 'MaxDeliveryCountExceeded',
    });
  });
});
