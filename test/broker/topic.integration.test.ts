import { ServiceBusClient, type ServiceBusReceivedMessage, type ServiceBusReceiver } from '@azure/service-bus';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Topology } from '../../src/broker/topology/index.js';
import { startTestBroker, subscription, type TestBroker, topic } from '../helpers/broker.js';

const topology: Topology = {
  queues: [],
  topics: [
    topic('events', {
      subscriptions: [
        subscription('audit'),
        subscription('likely-churners', {
          rules: [{ name: 'high', filter: { kind: 'sql', expression: "type = 'churn_scored' AND churnScore >= 0.7" } }],
        }),
        subscription('marked', {
          rules: [
            { name: 'all', filter: { kind: 'true' } },
            { name: 'mark', filter: { kind: 'true' }, action: "SET marked = 'yes'; SET sys.Label = 'changed'" },
          ],
        }),
      ],
    }),
    topic('once', { subscriptions: [subscription('one')] }),
    topic('locks', { subscriptions: [subscription('short', { lockDurationMs: 1000, maxDeliveryCount: 2 })] }),
    topic('settling', { subscriptions: [subscription('s', { maxDeliveryCount: 3 })] }),
    topic('peeking', { subscriptions: [subscription('s')] }),
    topic('taking', { subscriptions: [subscription('s')] }),
  ],
  hubs: [],
};

describe('the topic under the official client', () => {
  let broker: TestBroker;
  let client: ServiceBusClient;

  beforeAll(async () => {
    broker = await startTestBroker(topology);
    client = new ServiceBusClient(broker.connectionString, { retryOptions: { maxRetries: 0 } });
  });
  afterAll(async () => {
    await client.close();
    await broker.remove();
  });

  /** Receives until there are `count` messages; the client answers with what came in time. */
  async function receive(receiver: ServiceBusReceiver, count: number): Promise<ServiceBusReceivedMessage[]> {
    const messages: ServiceBusReceivedMessage[] = [];
    for (let attempt = 0; messages.length < count && attempt < 40; attempt++) {
      messages.push(...(await receiver.receiveMessages(count - messages.length, { maxWaitTimeInMs: 500 })));
    }
    return messages;
  }
  const nothing = (receiver: ServiceBusReceiver) => receiver.receiveMessages(1, { maxWaitTimeInMs: 300 });

  it('delivers to each subscription what its rules let through', async () => {
    const sender = client.createSender('events');
    await sender.sendMessages({
      body: { hello: 'world' },
      messageId: 'm1',
      subject: 'original',
      applicationProperties: { type: 'purchase', value: 12.5 },
    });
    await sender.sendMessages([
      { body: 2, messageId: 'm2', applicationProperties: { type: 'churn_scored', churnScore: 0.9 } },
      { body: 3, messageId: 'm3', applicationProperties: { type: 'churn_scored', churnScore: 0.2 } },
    ]);
    const audit = client.createReceiver('events', 'audit');
    const all = await receive(audit, 3);
    expect(all.map(({ messageId }) => messageId)).toEqual(['m1', 'm2', 'm3']);
    expect(all[0]).toMatchObject({
      body: { hello: 'world' },
      subject: 'original',
      deliveryCount: 0,
      applicationProperties: { type: 'purchase', value: 12.5 },
    });
    for (const message of all) await audit.completeMessage(message);
    expect(await nothing(audit)).toEqual([]);

    const churners = client.createReceiver('events', 'likely-churners');
    const likely = await receive(churners, 1);
    expect(likely.map(({ messageId }) => messageId)).toEqual(['m2']);
    await churners.completeMessage(likely[0] as ServiceBusReceivedMessage);
    expect(await nothing(churners)).toEqual([]);

    const marked = client.createReceiver('events', 'marked');
    const copies = await receive(marked, 6);
    const changed = copies.filter(({ applicationProperties }) => applicationProperties?.['RuleName'] === 'mark');
    expect(changed.map(({ messageId }) => messageId)).toEqual(['m1', 'm2', 'm3']);
    expect(changed[0]).toMatchObject({
      subject: 'changed',
      body: { hello: 'world' },
      applicationProperties: { type: 'purchase', value: 12.5, marked: 'yes' },
    });
  });

  it('accepts a repeated message id and delivers it once', async () => {
    const sender = client.createSender('once');
    await sender.sendMessages({ body: 1, messageId: 'a' });
    await sender.sendMessages([
      { body: 2, messageId: 'b' },
      { body: 3, messageId: 'a' },
      { body: 4, messageId: 'b' },
    ]);
    const receiver = client.createReceiver('once', 'one');
    const messages = await receive(receiver, 2);
    expect(messages.map(({ messageId, body }) => [messageId, body])).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
    expect(await nothing(receiver)).toEqual([]);
  });

  it('gives an abandoned message again, and dead-letters it after its last delivery', async () => {
    const receiver = client.createReceiver('settling', 's');
    await client.createSender('settling').sendMessages({ body: 'poison', messageId: 'p' });
    for (const deliveryCount of [0, 1, 2]) {
      const [message] = await receive(receiver, 1);
      expect(message).toMatchObject({ messageId: 'p', deliveryCount });
      await receiver.abandonMessage(message as ServiceBusReceivedMessage, { tried: deliveryCount });
    }
    expect(await nothing(receiver)).toEqual([]);
    const dead = client.createReceiver('settling', 's', { subQueueType: 'deadLetter' });
    const [message] = await receive(dead, 1);
    expect(message).toMatchObject({ body: 'poison', deadLetterReason: 'MaxDeliveryCountExceeded' });
    await dead.completeMessage(message as ServiceBusReceivedMessage);
    expect(await nothing(dead)).toEqual([]);
  });

  it('dead-letters with the reason that the receiver gives', async () => {
    const receiver = client.createReceiver('settling', 's');
    await client
      .createSender('settling')
      .sendMessages({ body: 'bad', messageId: 'bad', applicationProperties: { a: 1 } });
    const [message] = await receive(receiver, 1);
    await receiver.deadLetterMessage(message as ServiceBusReceivedMessage, {
      deadLetterReason: 'no address',
      deadLetterErrorDescription: 'the customer has none',
      custom: 'x',
    });
    const dead = client.createReceiver('settling', 's', { subQueueType: 'deadLetter' });
    const [found] = await receive(dead, 1);
    expect(found).toMatchObject({
      body: 'bad',
      deadLetterReason: 'no address',
      deadLetterErrorDescription: 'the customer has none',
      applicationProperties: { a: 1, custom: 'x' },
    });
    await dead.completeMessage(found as ServiceBusReceivedMessage);
  });

  it('takes a message back when its lock ends, and tells the late receiver', async () => {
    const receiver = client.createReceiver('locks', 'short', { maxAutoLockRenewalDurationInMs: 0 });
    await client.createSender('locks').sendMessages({ body: 1, messageId: 'l' });
    const [first] = await receive(receiver, 1);
    const renewedUntil = await receiver.renewMessageLock(first as ServiceBusReceivedMessage);
    expect(renewedUntil.getTime()).toBeGreaterThan(Date.now());
    const [again] = await receive(receiver, 1);
    expect(again).toMatchObject({ messageId: 'l', deliveryCount: 1 });
    await expect(receiver.completeMessage(first as ServiceBusReceivedMessage)).rejects.toMatchObject({
      code: 'MessageLockLost',
    });
    await receiver.completeMessage(again as ServiceBusReceivedMessage);
  });

  it('shows messages without taking them', async () => {
    await client.createSender('peeking').sendMessages([
      { body: 'a', messageId: 'a' },
      { body: 'b', messageId: 'b' },
    ]);
    const receiver = client.createReceiver('peeking', 's');
    expect((await receiver.peekMessages(10)).map(({ body }) => body)).toEqual(['a', 'b']);
    expect(await receiver.peekMessages(10)).toEqual([]);
    const messages = await receive(receiver, 2);
    expect(messages.map(({ body }) => body)).toEqual(['a', 'b']);
  });

  it('hands over for good in receive-and-delete mode', async () => {
    await client.createSender('taking').sendMessages([
      { body: 'a', messageId: 'a' },
      { body: 'b', messageId: 'b' },
    ]);
    const taking = client.createReceiver('taking', 's', { receiveMode: 'receiveAndDelete' });
    expect((await receive(taking, 2)).map(({ body }) => body)).toEqual(['a', 'b']);
    expect(await client.createReceiver('taking', 's').peekMessages(1)).toEqual([]);
  });

  it('changes the rules of a subscription over AMQP', async () => {
    const rules = client.createRuleManager('events', 'audit');
    const names = async () => {
      const found: string[] = [];
      for await (const { name } of rules.listRules()) found.push(name);
      return found;
    };
    expect(await names()).toEqual(['$Default']);
    await rules.createRule('big', { sqlExpression: 'value > 100' });
    await rules.createRule('german', { applicationProperties: { country: 'DE' } });
    await expect(rules.createRule('big', { sqlExpression: '1=1' })).rejects.toMatchObject({
      code: 'MessagingEntityAlreadyExists',
    });
    await rules.deleteRule('$Default');
    expect(await names()).toEqual(['big', 'german']);
    const sender = client.createSender('events');
    await sender.sendMessages([
      { body: 1, messageId: 'r1', applicationProperties: { value: 200 } },
      { body: 2, messageId: 'r2', applicationProperties: { value: 2, country: 'DE' } },
      { body: 3, messageId: 'r3', applicationProperties: { value: 3 } },
    ]);
    const receiver = client.createReceiver('events', 'audit');
    expect((await receive(receiver, 2)).map(({ messageId }) => messageId)).toEqual(['r1', 'r2']);
    expect(await nothing(receiver)).toEqual([]);
  });

  it('refuses an unknown entity and a wrong key with the codes of the service', async () => {
    await expect(client.createSender('nowhere').sendMessages({ body: 1 })).rejects.toMatchObject({
      code: 'MessagingEntityNotFound',
    });
    await expect(client.createReceiver('events', 'nobody').receiveMessages(1)).rejects.toMatchObject({
      code: 'MessagingEntityNotFound',
    });
    const wrong = broker.connectionString.replace(/SharedAccessKey=[^;]+/, 'SharedAccessKey=d3Jvbmc=');
    const stranger = new ServiceBusClient(wrong, { retryOptions: { maxRetries: 0 } });
    await expect(stranger.createSender('events').sendMessages({ body: 1 })).rejects.toMatchObject({
      code: 'UnauthorizedAccess',
    });
    await stranger.close();
  });
});
