import { randomBytes } from 'node:crypto';
import { ServiceBusClient } from '@azure/service-bus';
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

  it('changes a topic and a rule, and keeps what cannot be changed', async () => {
    const topic = await service.topic();
    await service.subscription(topic, 's');
    const shown = await service.admin<object>('getTopic', topic);
    await service.admin('updateTopic', { ...shown, defaultMessageTimeToLive: 'PT1H' });
    expect(await service.admin('getTopic', topic)).toMatchObject({ defaultMessageTimeToLive: 'PT1H' });
    await service.admin('createRule', topic, 's', 'r', { sqlExpression: 'a = 1' });
    const rule = await service.admin<object>('getRule', topic, 's', 'r');
    const changed = { filter: { correlationId: 'c' }, action: { sqlExpression: 'SET b = 2' } };
    await service.admin('updateRule', topic, 's', { ...rule, ...changed });
    expect(await service.admin('getRule', topic, 's', 'r')).toMatchObject({ name: 'r', ...changed });
    const queue = await service.queue();
    const fixed = { ...(await service.admin<object>('getQueue', queue)), requiresSession: true };
    expect(await service.refusal('updateQueue', fixed)).toMatchObject({ statusCode: 400 });
    expect(await service.refusal('createSubscription', topic, 's')).toMatchObject({
      code: 'MessageEntityAlreadyExistsError',
    });
    expect(await service.refusal('createRule', topic, 's', 'r', { sqlExpression: '1=1' })).toMatchObject({
      code: 'MessageEntityAlreadyExistsError',
    });
    expect(await service.refusal('getSubscription', topic, 'none')).toMatchObject({ statusCode: 404 });
  });

  it('takes no messages for an entity that is switched off, and gives those that it has', async () => {
    const name = await service.queue();
    await service.client.createSender(name).sendMessages({ body: 1 });
    const queue = await service.admin<object>('getQueue', name);
    await service.admin('updateQueue', { ...queue, status: 'SendDisabled' });
    await waitFor('the change', async () => {
      const sent = service.client.createSender(name).sendMessages({ body: 2 });
      return (
        (await sent.then(
          () => '',
          ({ code }: { code: string }) => code,
        )) === 'MessagingEntityDisabled'
      );
    });
    expect((await receive(service.client.createReceiver(name), 1)).map(({ body }) => body)).toEqual([1]);
  });

  it('lets a key do what its rights say, at its entity alone, and a wrong one nothing', async () => {
    const key = randomBytes(32).toString('base64');
    const rule = { claimType: 'SharedAccessKey', keyName: 'sends', accessRights: ['Send'], primaryKey: key };
    const name = await service.queue({
      authorizationRules: [{ ...rule, secondaryKey: randomBytes(32).toString('base64') }],
    });
    const other = await service.queue();
    const connectionString = service.connectionStringOf({ name: 'sends', key });
    const limited = new ServiceBusClient(connectionString, { retryOptions: { maxRetries: 0 } });
    await waitFor('the key', () =>
      limited
        .createSender(name)
        .sendMessages({ body: 1 })
        .then(
          () => true,
          () => false,
        ),
    );
    const denied = { code: 'UnauthorizedAccess' };
    await expect(limited.createReceiver(name).receiveMessages(1)).rejects.toMatchObject(denied);
    await expect(limited.createSender(other).sendMessages({ body: 1 })).rejects.toMatchObject(denied);
    await limited.close();
    const wrong = service.connectionStringOf({ name: 'sends', key: randomBytes(32).toString('base64') });
    expect(await service.refusalTo(wrong, 'getQueue', name)).toMatchObject({ statusCode: 401 });
  });

  it('counts what is in a topic and its subscriptions', async () => {
    const topic = await service.topic();
    await service.subscription(topic, 'one');
    await service.subscription(topic, 'two');
    const sender = service.client.createSender(topic);
    await sender.sendMessages([{ body: 1 }, { body: 2 }]);
    await sender.scheduleMessages({ body: 3 }, new Date(Date.now() + 3_600_000));
    const receiver = service.client.createReceiver(topic, 'one', { receiveMode: 'receiveAndDelete' });
    await receive(receiver, 1);
    await waitFor('the counts', async () => {
      expect(await service.admin('getTopicRuntimeProperties', topic)).toMatchObject({
        name: topic,
        subscriptionCount: 2,
        scheduledMessageCount: 1,
      });
      const counts = await service.admin<object[]>('listSubscriptionsRuntimeProperties', topic);
      expect(counts).toMatchObject([
        { subscriptionName: 'one', activeMessageCount: 1, totalMessageCount: 1 },
        { subscriptionName: 'two', activeMessageCount: 2, totalMessageCount: 2 },
      ]);
      return true;
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
