import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../helpers/wait.js';
import { expectNothing, openService, receive, receiveOne, type Service } from './support/service.js';

describe('settling', () => {
  let service: Service;
  beforeAll(async () => {
    service = await openService();
  });
  afterAll(() => service.close());

  const letter = { deadLetterReason: 'no address', deadLetterErrorDescription: 'the customer has none' };

  it('keeps a locked message from every other receiver, and removes a completed one', async () => {
    const queue = await service.queue();
    await service.client.createSender(queue).sendMessages({ body: 1 });
    const [one, other] = [service.client.createReceiver(queue), service.client.createReceiver(queue)];
    const message = await receiveOne(one);
    await expectNothing(other);
    await one.completeMessage(message);
    expect(await other.peekMessages(1)).toEqual([]);
  });

  it('gives an abandoned message again, with its new properties and a count more', async () => {
    const queue = await service.queue();
    const sent = { body: 1, applicationProperties: { kept: 'k', changed: 1 } };
    await service.client.createSender(queue).sendMessages(sent);
    const receiver = service.client.createReceiver(queue);
    const first = await receiveOne(receiver);
    await receiver.abandonMessage(first, { changed: 2, added: true });
    const second = await receiveOne(receiver);
    expect(second).toMatchObject({
      deliveryCount: 1,
      sequenceNumber: first.sequenceNumber,
      applicationProperties: { kept: 'k', changed: 2, added: true },
    });
    await receiver.completeMessage(second);
  });

  it('dead-letters a message after its last delivery', async () => {
    const queue = await service.queue({ maxDeliveryCount: 2 });
    await service.client.createSender(queue).sendMessages({ body: 'poison' });
    const receiver = service.client.createReceiver(queue);
    for (const deliveryCount of [0, 1]) {
      const message = await receiveOne(receiver);
      expect(message.deliveryCount).toBe(deliveryCount);
      await receiver.abandonMessage(message);
    }
    const dead = service.client.createReceiver(queue, { subQueueType: 'deadLetter' });
    expect(await receiveOne(dead)).toMatchObject({ body: 'poison', deadLetterReason: 'MaxDeliveryCountExceeded' });
    await expectNothing(receiver);
  });

  it('dead-letters with reason, description and properties, and dead letters can be completed', async () => {
    const queue = await service.queue();
    await service.client.createSender(queue).sendMessages({ body: 'bad', applicationProperties: { a: 1 } });
    const receiver = service.client.createReceiver(queue);
    await receiver.deadLetterMessage(await receiveOne(receiver), { ...letter, custom: 'x' });
    const dead = service.client.createReceiver(queue, { subQueueType: 'deadLetter' });
    const found = await receiveOne(dead);
    expect(found).toMatchObject({ body: 'bad', ...letter, applicationProperties: { a: 1, custom: 'x' } });
    await dead.completeMessage(found);
    expect(await dead.peekMessages(1)).toEqual([]);
  });

  it('sets a deferred message aside for who knows its number', async () => {
    const queue = await service.queue();
    await service.client.createSender(queue).sendMessages({ body: 'later' });
    const receiver = service.client.createReceiver(queue);
    const message = await receiveOne(receiver);
    await receiver.deferMessage(message, { why: 'no stock' });
    await expectNothing(receiver);
    expect(await receiver.peekMessages(1)).toMatchObject([{ state: 'deferred' }]);
    const sequence = message.sequenceNumber as NonNullable<typeof message.sequenceNumber>;
    const [again] = await receiver.receiveDeferredMessages(sequence);
    expect(again).toMatchObject({ body: 'later', applicationProperties: { why: 'no stock' } });
    await receiver.completeMessage(again as ServiceBusReceivedMessage);
    await expect(receiver.receiveDeferredMessages(sequence)).rejects.toMatchObject({ code: 'MessageNotFound' });
  });

  it('hands over for good in receive-and-delete mode', async () => {
    const queue = await service.queue();
    await service.client.createSender(queue).sendMessages([{ body: 'a' }, { body: 'b' }]);
    const taking = service.client.createReceiver(queue, { receiveMode: 'receiveAndDelete' });
    expect((await receive(taking, 2)).map(({ body }) => body)).toEqual(['a', 'b']);
    expect(await service.client.createReceiver(queue).peekMessages(1)).toEqual([]);
  });

  it('gives a message again when its lock ends, and tells the late receiver', async () => {
    // The shortest lock that the service allows.
    const queue = await service.queue({ lockDuration: 'PT5S' });
    await service.client.createSender(queue).sendMessages({ body: 1, messageId: 'l' });
    const receiver = service.client.createReceiver(queue, { maxAutoLockRenewalDurationInMs: 0 });
    const first = await receiveOne(receiver);
    const lockedUntil = first.lockedUntilUtc?.getTime() ?? 0;
    const renewed = await receiver.renewMessageLock(first);
    expect(renewed.getTime()).toBeGreaterThanOrEqual(lockedUntil);
    const again = await receiveOne(receiver);
    expect(again).toMatchObject({ messageId: 'l', deliveryCount: 1 });
    expect(again.lockedUntilUtc?.getTime()).toBeGreaterThan(renewed.getTime());
    await expect(receiver.completeMessage(first)).rejects.toMatchObject({ code: 'MessageLockLost' });
    await receiver.completeMessage(again);
  });

  it('settles by lock token when the link is gone', async () => {
    const queue = await service.queue();
    const bodies = ['complete', 'abandon', 'dead-letter', 'renew', 'defer'];
    await service.client.createSender(queue).sendMessages(bodies.map((body) => ({ body })));
    const receiver = service.client.createReceiver(queue);
    const messages = new Map<unknown, ServiceBusReceivedMessage>();
    const subscription = receiver.subscribe(
      {
        processMessage: async (message) => void messages.set(message.body, message),
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
    await receiver.deadLetterMessage(of('dead-letter'), letter);
    await receiver.deferMessage(of('defer'), { aside: true });
    const { sequenceNumber } = of('defer');
    const [aside] = await receiver.receiveDeferredMessages(sequenceNumber as NonNullable<typeof sequenceNumber>);
    expect(aside).toMatchObject({ body: 'defer', applicationProperties: { aside: true } });
    await receiver.completeMessage(aside as ServiceBusReceivedMessage);
    await receiver.renewMessageLock(of('renew'));
    await receiver.completeMessage(of('renew'));
    const back = await receiveOne(receiver);
    expect(back).toMatchObject({ body: 'abandon', deliveryCount: 1, applicationProperties: { back: 1 } });
    await receiver.completeMessage(back);
    const dead = service.client.createReceiver(queue, { subQueueType: 'deadLetter' });
    expect(await receiveOne(dead)).toMatchObject({ body: 'dead-letter', ...letter });
    expect(await receiver.peekMessages(1)).toEqual([]);
  });
});
