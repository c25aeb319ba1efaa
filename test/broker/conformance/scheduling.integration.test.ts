import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectNothing, openService, receive, receiveOne, type Service, sequenceOf } from './support/service.js';

const HOUR_MS = 3_600_000;
const inMs = (ms: number) => new Date(Date.now() + ms);

describe('scheduled messages', () => {
  let service: Service;
  beforeAll(async () => {
    service = await openService();
  });
  afterAll(() => service.close());

  it('come at their time, under a new number', async () => {
    const queue = await service.queue();
    const sender = service.client.createSender(queue);
    const inAnHour = inMs(HOUR_MS);
    const [waiting] = await sender.scheduleMessages({ body: 'much later' }, inAnHour);
    const receiver = service.client.createReceiver(queue);
    expect(await receiver.peekMessages(1)).toMatchObject([{ state: 'scheduled', scheduledEnqueueTimeUtc: inAnHour }]);
    await sender.cancelScheduledMessages(waiting as NonNullable<typeof waiting>);
    const at = inMs(1000);
    const [number] = await sender.scheduleMessages({ body: 'later', messageId: 'l' }, at);
    const message = await receiveOne(receiver);
    expect(message).toMatchObject({ body: 'later', messageId: 'l', state: 'active', deliveryCount: 0 });
    expect(message.enqueuedTimeUtc?.getTime()).toBeGreaterThanOrEqual(at.getTime());
    expect(sequenceOf(message)).toBeGreaterThan(number?.toNumber() ?? Number.POSITIVE_INFINITY);
    await receiver.completeMessage(message);
  });

  it('can be sent as any message, with a time', async () => {
    const queue = await service.queue();
    const scheduledEnqueueTimeUtc = inMs(1000);
    await service.client.createSender(queue).sendMessages({ body: 'timed', scheduledEnqueueTimeUtc });
    const message = await receiveOne(service.client.createReceiver(queue));
    expect(message.body).toBe('timed');
    expect(message.enqueuedTimeUtc?.getTime()).toBeGreaterThanOrEqual(scheduledEnqueueTimeUtc.getTime());
  });

  it('never come once they are cancelled', async () => {
    const queue = await service.queue();
    const sender = service.client.createSender(queue);
    const numbers = await sender.scheduleMessages([{ body: 1 }, { body: 2 }], inMs(HOUR_MS));
    expect(numbers).toHaveLength(2);
    await sender.cancelScheduledMessages(numbers);
    expect(await service.client.createReceiver(queue).peekMessages(10)).toEqual([]);
    await expect(sender.cancelScheduledMessages(numbers)).rejects.toMatchObject({ code: 'MessageNotFound' });
  });

  it('reach the subscriptions of a topic at their time, as their filters say', async () => {
    const topic = await service.topic();
    const rule = { defaultRuleOptions: { name: 'r', filter: { sqlExpression: 'n = 2' } } };
    await service.subscription(topic, 'all');
    await service.subscription(topic, 'some', rule);
    const sender = service.client.createSender(topic);
    const at = inMs(1000);
    const messages = [1, 2].map((n) => ({ body: n, applicationProperties: { n } }));
    await sender.scheduleMessages(messages, at);
    const cancelled = await sender.scheduleMessages({ body: 3, applicationProperties: { n: 2 } }, inMs(HOUR_MS));
    await sender.cancelScheduledMessages(cancelled);
    const some = await receiveOne(service.client.createReceiver(topic, 'some'));
    expect(some.body).toBe(2);
    expect(some.enqueuedTimeUtc?.getTime()).toBeGreaterThanOrEqual(at.getTime());
    const all = await receive(service.client.createReceiver(topic, 'all', { receiveMode: 'receiveAndDelete' }), 2);
    expect(all.map(({ body }) => body).sort()).toEqual([1, 2]);
  });

  it('are dropped when their id was seen before they were scheduled', async () => {
    const queue = await service.queue({ requiresDuplicateDetection: true });
    const sender = service.client.createSender(queue);
    await sender.sendMessages({ body: 'first', messageId: 'same' });
    await sender.scheduleMessages({ body: 'second', messageId: 'same' }, inMs(HOUR_MS));
    const peeked = await service.client.createReceiver(queue).peekMessages(10);
    expect(peeked.map(({ body, state }) => [body, state])).toEqual([['first', 'active']]);
  });

  it('count for duplicate detection from the moment they are scheduled', async () => {
    const queue = await service.queue({ requiresDuplicateDetection: true });
    const sender = service.client.createSender(queue);
    await sender.scheduleMessages({ body: 'first', messageId: 'same' }, inMs(HOUR_MS));
    await sender.sendMessages({ body: 'second', messageId: 'same' });
    await expectNothing(service.client.createReceiver(queue));
  });
});
