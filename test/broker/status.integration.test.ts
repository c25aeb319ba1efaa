import { ServiceBusClient } from '@azure/service-bus';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { queue, startTestBroker, subscription, type TestBroker, topic } from '../helpers/broker.js';
import { type AdministrationClient, startAdministrationClient } from './admin/administration-client.js';
import { requestManagement } from './management-request.js';

let broker: TestBroker;
let client: ServiceBusClient;
let admin: AdministrationClient;
beforeAll(async () => {
  broker = await startTestBroker({
    queues: [queue('q')],
    topics: [topic('t', { subscriptions: [subscription('off', { status: 'Disabled' }), subscription('on')] })],
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

const disabled = { code: 'MessagingEntityDisabled' };

describe('a subscription that is disabled', () => {
  it('gets what its topic gets, and gives it out when it is active again', async () => {
    await client.createSender('t').sendMessages({ messageId: 'm', body: 1 });
    const receiver = client.createReceiver('t', 'off');
    await expect(receiver.receiveMessages(1)).rejects.toMatchObject(disabled);
    await expect(receiver.peekMessages(1)).rejects.toMatchObject(disabled);
    const { value } = await admin.call('getSubscription', 't', 'off');
    await admin.call('updateSubscription', { ...(value as object), status: 'Active' });
    const again = client.createReceiver('t', 'off', { receiveMode: 'receiveAndDelete' });
    expect((await again.receiveMessages(1)).map(({ messageId }) => messageId)).toEqual(['m']);
  });
});

describe('a queue that is disabled for receiving', () => {
  it('lets nobody look at its messages, take deferred ones, settle or delete, on its management node either', async () => {
    await client.createSender('q').sendMessages([{ body: 'active' }, { body: 'deferred' }]);
    const receiver = client.createReceiver('q');
    const messages = await receiver.receiveMessages(2);
    expect(messages).toHaveLength(2);
    const [kept, aside] = messages as [(typeof messages)[0], (typeof messages)[0]];
    await receiver.deferMessage(aside);
    await receiver.abandonMessage(kept);
    const { value } = await admin.call('getQueue', 'q');
    await admin.call('updateQueue', { ...(value as object), status: 'ReceiveDisabled' });
    const another = client.createReceiver('q');
    await expect(another.peekMessages(1)).rejects.toMatchObject(disabled);
    const number = aside.sequenceNumber as NonNullable<typeof aside.sequenceNumber>;
    await expect(another.receiveDeferredMessages(number)).rejects.toMatchObject(disabled);
    const request = { 'message-count': 1, 'enqueued-time-utc': new Date(Date.now() + 60_000) };
    expect(await requestManagement(broker, 'q', 'com.microsoft:batch-delete-messages', request)).toMatchObject({
      errorCondition: 'com.microsoft:entity-disabled',
    });
    // Nothing is lost: it can be sent to meanwhile, and all is there when it is active again.
    await client.createSender('q').sendMessages({ body: 'sent meanwhile' });
    await admin.call('updateQueue', { ...(value as object), status: 'Active' });
    const after = client.createReceiver('q');
    expect((await after.peekMessages(10)).map(({ body }) => body)).toEqual(['active', 'deferred', 'sent meanwhile']);
  });
});
