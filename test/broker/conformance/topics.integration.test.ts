import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectNothing, openService, receive, receiveOne, type Service } from './support/service.js';

describe('topics', () => {
  let service: Service;
  beforeAll(async () => {
    service = await openService();
  });
  afterAll(() => service.close());

  const rule = (name: string, filter: object, action?: string) => ({
    defaultRuleOptions: { name, filter, ...(action === undefined ? {} : { action: { sqlExpression: action } }) },
  });
  const receiverOf = (topic: string, name: string) =>
    service.client.createReceiver(topic, name, { receiveMode: 'receiveAndDelete' });
  const bodies = (messages: readonly ServiceBusReceivedMessage[]) => messages.map(({ body }) => body as unknown);

  it('gives each subscription its own copy of every message', async () => {
    const topic = await service.topic();
    await service.subscription(topic, 'one');
    await service.subscription(topic, 'two');
    await service.client.createSender(topic).sendMessages([{ body: 1 }, { body: 2 }]);
    expect(bodies(await receive(receiverOf(topic, 'one'), 2))).toEqual([1, 2]);
    expect(bodies(await receive(receiverOf(topic, 'two'), 2))).toEqual([1, 2]);
  });

  it('lets through what a SQL filter or a correlation filter matches', async () => {
    const topic = await service.topic();
    await service.subscription(
      topic,
      'sql',
      rule('r', { sqlExpression: "kind = 'b' AND value >= 10 OR sys.Label LIKE 'vip%'" }),
    );
    await service.subscription(
      topic,
      'correlation',
      rule('r', { subject: 'vip-1', applicationProperties: { kind: 'a' } }),
    );
    await service.subscription(topic, 'unknown', rule('r', { sqlExpression: 'NOT (missing > 1)' }));
    await service.subscription(topic, 'never', rule('r', { sqlExpression: '1=0' }));
    const message = (body: string, kind: string, value: number, subject = '') => ({
      body,
      subject,
      applicationProperties: { kind, value },
    });
    await service.client
      .createSender(topic)
      .sendMessages([
        message('low', 'b', 1),
        message('high', 'b', 10),
        message('vip', 'a', 0, 'vip-1'),
        message('other', 'a', 99, 'none'),
      ]);
    expect(bodies(await receive(receiverOf(topic, 'sql'), 2))).toEqual(['high', 'vip']);
    expect(bodies(await receive(receiverOf(topic, 'correlation'), 1))).toEqual(['vip']);
    await expectNothing(receiverOf(topic, 'sql'));
    // Three-valued logic: a comparison with a property that is not there is unknown, and so is its negation.
    await expectNothing(receiverOf(topic, 'unknown'));
    await expectNothing(receiverOf(topic, 'never'));
  });

  it('makes one copy for all rules without an action, and one for each rule with an action', async () => {
    const topic = await service.topic();
    await service.subscription(topic, 's', rule('first', { sqlExpression: '1=1' }));
    await service.admin('createRule', topic, 's', 'second', { sqlExpression: 'value > 0' });
    const mark = { sqlExpression: "SET marked = 'yes'; SET sys.Label = 'changed'; REMOVE value" };
    await service.admin('createRule', topic, 's', 'marking', { sqlExpression: 'value > 0' }, mark);
    await service.client
      .createSender(topic)
      .sendMessages({ body: 1, subject: 'original', applicationProperties: { value: 5 } });
    const copies = await receive(receiverOf(topic, 's'), 2);
    const isMarked = (one: ServiceBusReceivedMessage) => one.applicationProperties?.['RuleName'] === 'marking';
    const marked = copies.filter(isMarked);
    const plain = copies.filter((one) => !isMarked(one));
    expect(marked).toMatchObject([{ subject: 'changed', applicationProperties: { marked: 'yes' } }]);
    expect(marked[0]?.applicationProperties).not.toHaveProperty('value');
    expect(plain).toMatchObject([{ subject: 'original', applicationProperties: { value: 5 } }]);
    await expectNothing(receiverOf(topic, 's'));
  });

  it('finds properties in a SQL filter by names in any case, and compares values of a correlation filter exactly', async () => {
    const topic = await service.topic();
    await service.subscription(topic, 'sql', rule('r', { sqlExpression: "KIND = 'b' AND user.Kind IN ('a', 'b')" }));
    await service.subscription(topic, 'correlation', rule('r', { applicationProperties: { kind: 'B' } }));
    await service.subscription(topic, 'last', rule('r', { sqlExpression: '1=1' }));
    await service.client.createSender(topic).sendMessages({ body: 1, applicationProperties: { kind: 'b' } });
    expect(bodies(await receive(receiverOf(topic, 'sql'), 1))).toEqual([1]);
    expect(bodies(await receive(receiverOf(topic, 'last'), 1))).toEqual([1]);
    await expectNothing(receiverOf(topic, 'correlation'));
  });

  it('dead-letters for a subscription what its filter cannot be evaluated on, and drops it where that is switched off', async () => {
    const topic = await service.topic();
    const divides = rule('r', { sqlExpression: '10 / n > 1' });
    await service.subscription(topic, 'keeping', divides);
    const dropping = { deadLetteringOnFilterEvaluationExceptions: false };
    await service.subscription(topic, 'dropping', { ...divides, ...dropping });
    await service.client.createSender(topic).sendMessages([
      { body: 'zero', applicationProperties: { n: 0 } },
      { body: 'two', applicationProperties: { n: 2 } },
    ]);
    expect(bodies(await receive(receiverOf(topic, 'keeping'), 1))).toEqual(['two']);
    expect(bodies(await receive(receiverOf(topic, 'dropping'), 1))).toEqual(['two']);
    const dead = service.client.createReceiver(topic, 'keeping', { subQueueType: 'deadLetter' });
    expect(await receiveOne(dead)).toMatchObject({ body: 'zero', applicationProperties: { n: 0 } });
    const none = service.client.createReceiver(topic, 'dropping', { subQueueType: 'deadLetter' });
    expect(await none.peekMessages(1)).toEqual([]);
  });

  it('changes the rules of a subscription over its link', async () => {
    const topic = await service.topic();
    await service.subscription(topic, 's');
    const rules = service.client.createRuleManager(topic, 's');
    const names = async () => {
      const found: string[] = [];
      for await (const { name } of rules.listRules()) found.push(name);
      return found.sort();
    };
    expect(await names()).toEqual(['$Default']);
    await rules.createRule('big', { sqlExpression: 'value > 100' });
    await rules.createRule('german', { applicationProperties: { country: 'DE' } });
    await expect(rules.createRule('big', { sqlExpression: '1=1' })).rejects.toMatchObject({
      code: 'MessagingEntityAlreadyExists',
    });
    await rules.deleteRule('$Default');
    expect(await names()).toEqual(['big', 'german']);
    await service.client.createSender(topic).sendMessages([
      { body: 1, applicationProperties: { value: 200 } },
      { body: 2, applicationProperties: { value: 2, country: 'DE' } },
      { body: 3, applicationProperties: { value: 3 } },
    ]);
    expect(bodies(await receive(receiverOf(topic, 's'), 2))).toEqual([1, 2]);
    await expectNothing(receiverOf(topic, 's'));
  });

  it('finds duplicates for all of its subscriptions at once', async () => {
    const topic = await service.topic({ requiresDuplicateDetection: true });
    await service.subscription(topic, 'one');
    await service.subscription(topic, 'two');
    const sender = service.client.createSender(topic);
    for (const body of [1, 2]) await sender.sendMessages({ body, messageId: 'same' });
    await sender.sendMessages({ body: 3, messageId: 'other' });
    for (const name of ['one', 'two']) expect(bodies(await receive(receiverOf(topic, name), 2))).toEqual([1, 3]);
  });

  it('dead-letters for each subscription by itself', async () => {
    const topic = await service.topic();
    await service.subscription(topic, 'one');
    await service.subscription(topic, 'two');
    await service.client.createSender(topic).sendMessages({ body: 1 });
    const receiver = service.client.createReceiver(topic, 'one');
    const why = { deadLetterReason: 'r', deadLetterErrorDescription: 'd' };
    await receiver.deadLetterMessage(await receiveOne(receiver), why);
    const dead = service.client.createReceiver(topic, 'one', { subQueueType: 'deadLetter' });
    expect(await receiveOne(dead)).toMatchObject({ body: 1, ...why });
    await expectNothing(service.client.createReceiver(topic, 'two', { subQueueType: 'deadLetter' }));
    expect(bodies(await receive(receiverOf(topic, 'two'), 1))).toEqual([1]);
  });
});
