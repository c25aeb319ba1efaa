import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../helpers/wait.js';
import { openService, receive, type Service } from './support/service.js';

describe('administration', () => {
  let service: Service;
  beforeAll(async () => {
    service = await openService();
  });
  afterAll(() => service.close());

  const names = async (method: string, ...args: unknown[]) =>
    (await service.admin<{ name?: string; subscriptionName?: string }[]>(method, ...args)).map(
      (one) => one.name ?? one.subscriptionName,
    );

  it('makes, shows, changes, lists and deletes a queue', async () => {
    const name = await service.queue({ lockDuration: 'PT30S', maxDeliveryCount: 3 });
    const queue = await service.admin<object>('getQueue', name);
    expect(queue).toMatchObject({ name, lockDuration: 'PT30S', maxDeliveryCount: 3, requiresSession: false });
    expect(await service.admin('queueExists', name)).toBe(true);
    await service.admin('updateQueue', { ...queue, maxDeliveryCount: 7 });
    expect(await service.admin('getQueue', name)).toMatchObject({ maxDeliveryCount: 7, lockDuration: 'PT30S' });
    expect(await names('listQueues')).toContain(name);
    await service.admin('deleteQueue', name);
    expect(await service.admin('queueExists', name)).toBe(false);
    expect(await service.refusal('getQueue', name)).toMatchObject({ code: 'MessageEntityNotFoundError' });
  });

  it('makes, shows, changes, lists and deletes a topic, its subscriptions and their rules', async () => {
    const topic = await service.topic({ requiresDuplicateDetection: true });
    await service.subscription(topic, 'one', { lockDuration: 'PT20S' });
    await service.subscription(topic, 'two');
    expect(await service.admin('getTopic', topic)).toMatchObject({ name: topic, requiresDuplicateDetection: true });
    expect(await names('listTopics')).toContain(topic);
    expect(await names('listSubscriptions', topic)).toEqual(['one', 'two']);
    const subscription = await service.admin<object>('getSubscription', topic, 'one');
    expect(subscription).toMatchObject({ topicName: topic, subscriptionName: 'one', lockDuration: 'PT20S' });
    await service.admin('updateSubscription', { ...subscription, maxDeliveryCount: 5 });
    expect(await service.admin('getSubscription', topic, 'one')).toMatchObject({ maxDeliveryCount: 5 });
    expect(await names('listRules', topic, 'one')).toEqual(['$Default']);
    await service.admin('createRule', topic, 'one', 'big', { sqlExpression: 'value > 1' });
    expect(await service.admin('getRule', topic, 'one', 'big')).toMatchObject({
      name: 'big',
      filter: { sqlExpression: 'value > 1' },
    });
    await service.admin('deleteRule', topic, 'one', '$Default');
    expect(await names('listRules', topic, 'one')).toEqual(['big']);
    await service.admin('deleteSubscription', topic, 'two');
    expect(await service.admin('subscriptionExists', topic, 'two')).toBe(false);
    await service.admin('deleteTopic', topic);
    expect(await service.admin('topicExists', topic)).toBe(false);
  });

  it('refuses what exists, what is not there, and what is wrong', async () => {
    const name = await service.queue();
    const topic = await service.topic();
    await service.subscription(topic, 's');
    expect(await service.refusal('createQueue', name)).toMatchObject({ code: 'MessageEntityAlreadyExistsError' });
    expect(await service.refusal('deleteQueue', `${name}-not`)).toMatchObject({ statusCode: 404 });
    expect(await service.refusal('createQueue', `${name}-wrong`, { lockDuration: 'PT10M' })).toMatchObject({
      statusCode: 400,
    });
    expect(await service.refusal('createRule', topic, 's', 'wrong', { sqlExpression: 'country = ' })).toMatchObject({
      statusCode: 400,
    });
  });

  it('counts what is inside', async () => {
    const queue = await service.queue();
    await service.client.createSender(queue).sendMessages([1, 2, 3].map((body) => ({ body })));
    const receiver = service.client.createReceiver(queue);
    const [first, second] = await receive(receiver, 2);
    const why = { deadLetterReason: 'r', deadLetterErrorDescription: 'd' };
    if (first !== undefined) await receiver.deadLetterMessage(first, why);
    if (second !== undefined) await receiver.completeMessage(second);
    // The service brings its counts up to date now and then.
    const counts = { activeMessageCount: 1, deadLetterMessageCount: 1, totalMessageCount: 2 };
    await waitFor('the counts', async () => {
      expect(await service.admin('getQueueRuntimeProperties', queue)).toMatchObject(counts);
      return true;
    });
  });
});
