import { ServiceBusClient } from '@azure/service-bus';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestBroker, type TestBroker, testTopology } from '../../helpers/broker.js';
import { type AdministrationClient, startAdministrationClient } from './administration-client.js';

let broker: TestBroker;
let admin: AdministrationClient;
let client: ServiceBusClient;

beforeAll(async () => {
  broker = await startTestBroker(testTopology);
  admin = startAdministrationClient(broker.connectionString, broker.caFile);
  client = new ServiceBusClient(broker.connectionString);
});
afterAll(async () => {
  admin.close();
  await client.close();
  await broker.remove();
});

const value = async (method: string, ...args: unknown[]) => {
  const answer = await admin.call(method, ...args);
  expect(answer.error).toBeUndefined();
  return answer.value;
};
const names = async (method: string, ...args: unknown[]) =>
  ((await value(method, ...args)) as { name?: string; subscriptionName?: string }[]).map(
    (one) => one.name ?? one.subscriptionName,
  );

/** What `count` messages of a subscription say, each completed. */
async function take(topic: string, subscription: string, count: number): Promise<unknown[]> {
  const receiver = client.createReceiver(topic, subscription);
  const bodies: unknown[] = [];
  while (bodies.length < count) {
    for (const message of await receiver.receiveMessages(count - bodies.length, { maxWaitTimeInMs: 2000 })) {
      bodies.push(message.body);
      await receiver.completeMessage(message);
    }
  }
  await receiver.close();
  return bodies;
}

const everything = { sqlExpression: '1=1' };
const expiry = { sqlExpression: 'SET sys.ExpiresAtUtc = 1' };
const keyWith = (...accessRights: string[]) => ({
  authorizationRules: [{ claimType: 'SharedAccessKey', keyName: 'k', accessRights }],
});

describe('the broker under the administration client and the messaging client, on one connection string', () => {
  it('shows the entities that it was started with', async () => {
    expect(await names('listTopics')).toEqual(['events']);
    expect(await names('listSubscriptions', 'events')).toEqual(['all', 'audit']);
  });

  it('routes by rules that were made and changed while it runs', async () => {
    await value('createTopic', 'orders', { requiresDuplicateDetection: true });
    await value('createSubscription', 'orders', 'nordic', {
      defaultRuleOptions: { name: 'nordic', filter: { sqlExpression: "country IN ('SE', 'NO')" } },
    });
    const sender = client.createSender('orders');
    const send = (id: string, country: string) =>
      sender.sendMessages({ messageId: id, body: id, applicationProperties: { country, value: 10 } });
    await send('1', 'SE');
    await send('2', 'DE');
    expect(await take('orders', 'nordic', 1)).toEqual(['1']);

    await value('createRule', 'orders', 'nordic', 'german', { applicationProperties: { country: 'DE' } });
    await send('3', 'DE');
    await send('3', 'DE');
    await value('deleteRule', 'orders', 'nordic', 'nordic');
    await send('4', 'SE');
    await send('5', 'DE');
    expect(await take('orders', 'nordic', 2)).toEqual(['3', '5']);
    expect(await names('listRules', 'orders', 'nordic')).toEqual(['german']);
  });

  it('counts what is inside', async () => {
    const sender = client.createSender('orders');
    await sender.sendMessages(
      [1, 2, 3].map((id) => ({ body: id, messageId: `c${id}`, applicationProperties: { country: 'DE' } })),
    );
    const runtime = await value('getSubscriptionRuntimeProperties', 'orders', 'nordic');
    expect(runtime).toMatchObject({ activeMessageCount: 3, totalMessageCount: 3, deadLetterMessageCount: 0 });
    expect(await value('getTopicRuntimeProperties', 'orders')).toMatchObject({ subscriptionCount: 1 });
  });

  it('keeps what was made at run time when it is started again', async () => {
    await value('createQueue', 'jobs', { lockDuration: 'PT30S', maxDeliveryCount: 3 });
    admin.close();
    await client.close();
    await broker.stop();
    broker = await startTestBroker(testTopology, { dataDir: broker.dataDir });
    admin = startAdministrationClient(broker.connectionString, broker.caFile);
    client = new ServiceBusClient(broker.connectionString);
    expect(await value('getQueue', 'jobs')).toMatchObject({ lockDuration: 'PT30S', maxDeliveryCount: 3 });
    expect(await names('listTopics')).toEqual(['events', 'orders']);
    expect(await names('listRules', 'orders', 'nordic')).toEqual(['german']);
    expect(await take('orders', 'nordic', 3)).toEqual([1, 2, 3]);
  });

  it('refuses a rule that it cannot run, and an entity that is there', async () => {
    const wrong = await admin.call('createRule', 'orders', 'nordic', 'wrong', { sqlExpression: 'country = ' });
    expect(wrong.error).toMatchObject({ statusCode: 400 });
    expect((await admin.call('createQueue', 'orders')).error).toMatchObject({
      code: 'MessageEntityAlreadyExistsError',
    });
    expect((await admin.call('createQueue', 'Clicks')).error).toMatchObject({ statusCode: 409 });
  });

  it('stops what the status of an entity forbids, also where it is under way, and goes on when it is active again', async () => {
    const disabled = expect.objectContaining({ code: 'MessagingEntityDisabled' });
    const queue = (await value('createQueue', 'gated')) as object;
    const sender = client.createSender('gated');
    await sender.sendMessages({ messageId: 'g1', body: 1 });
    await value('updateQueue', { ...queue, status: 'SendDisabled' });
    await expect(client.createSender('gated').sendMessages({ body: 2 })).rejects.toEqual(disabled);
    await expect(sender.sendMessages({ body: 2 })).rejects.toEqual(disabled);
    await expect(sender.scheduleMessages({ body: 2 }, new Date(Date.now() + 60_000))).rejects.toEqual(disabled);
    const receiver = client.createReceiver('gated', { receiveMode: 'receiveAndDelete' });
    expect(await receiver.receiveMessages(1)).toMatchObject([{ body: 1 }]);
    await value('updateQueue', { ...queue, status: 'ReceiveDisabled' });
    await sender.sendMessages({ messageId: 'g3', body: 3 });
    await expect(client.createReceiver('gated').receiveMessages(1)).rejects.toEqual(disabled);
    await value('updateQueue', { ...queue, status: 'Active' });
    const again = client.createReceiver('gated', { receiveMode: 'receiveAndDelete' });
    expect(await again.receiveMessages(1)).toMatchObject([{ body: 3 }]);
    await value('deleteQueue', 'gated');
  });

  it.each<[string, unknown[], string]>([
    ['a lock above five minutes', ['createQueue', 'q', { lockDuration: 'PT5M1S' }], 'lockDuration'],
    ['a lock below five seconds', ['createQueue', 'q', { lockDuration: 'PT4S' }], 'lockDuration'],
    ['no time to live', ['createTopic', 't', { defaultMessageTimeToLive: 'PT0S' }], 'defaultMessageTimeToLive'],
    ['no delivery', ['createQueue', 'q', { maxDeliveryCount: 0 }], 'maxDeliveryCount'],
    [
      'a window of more than a week',
      ['createTopic', 't', { duplicateDetectionHistoryTimeWindow: 'P7DT1S' }],
      'duplicateDetectionHistoryTimeWindow',
    ],
    ['an idle time below five minutes', ['createQueue', 'q', { autoDeleteOnIdle: 'PT4M59S' }], 'autoDeleteOnIdle'],
    ['an odd size', ['createQueue', 'q', { maxSizeInMegabytes: 100 }], 'maxSizeInMegabytes'],
    ['an unknown status', ['createQueue', 'q', { status: 'Asleep' }], 'Status'],
    ['a name that begins with a hyphen', ['createQueue', '-q'], 'a name has'],
    ['a name that is too long', ['createQueue', 'q'.repeat(261)], '1 to 260'],
    ['the name of a subscription with a slash', ['createSubscription', 'events', 'a/b'], 'could not be found'],
    ['a subscription with a long name', ['createSubscription', 'events', 's'.repeat(51)], '1 to 50'],
    ['a long note', ['createQueue', 'q', { userMetadata: 'u'.repeat(1025) }], 'userMetadata'],
    ['Manage without Send', ['createQueue', 'q', keyWith('Manage')], 'Manage includes'],
    ['a long filter', ['createRule', 'events', 'audit', 'r', { sqlExpression: `a='${'x'.repeat(1024)}'` }], '1024'],
    ['an unknown parameter', ['createRule', 'events', 'audit', 'r', { sqlExpression: 'a=@b' }], '@b'],
    ['an action on what is not its own', ['createRule', 'events', 'audit', 'r', everything, expiry], 'ExpiresAtUtc'],
  ])('refuses %s, and names it', async (_what, [method, ...args], named) => {
    const { error } = await admin.call(method as string, ...args);
    expect(error?.message).toContain(named);
    expect([400, 404]).toContain(error?.statusCode);
  });

  it('deletes', async () => {
    await value('deleteTopic', 'orders');
    await value('deleteQueue', 'jobs');
    expect([await names('listTopics'), await names('listQueues')]).toEqual([['events'], []]);
  });
});
