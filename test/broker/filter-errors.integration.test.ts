import { ServiceBusClient, type ServiceBusReceivedMessage } from '@azure/service-bus';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RuleDefinition } from '../../src/broker/topology/index.js';
import { queue, startTestBroker, subscription, type TestBroker, topic } from '../helpers/broker.js';

const sql = (name: string, expression: string, action?: string): RuleDefinition => ({
  name,
  filter: { kind: 'sql', expression },
  ...(action === undefined ? {} : { action }),
});
/** It cannot be evaluated where `n` is 0. */
const divides = [sql('divides', '10 / n = 5')];
const DROPPING = { deadLetteringOnFilterEvaluationExceptions: false };

let broker: TestBroker;
let client: ServiceBusClient;
beforeAll(async () => {
  broker = await startTestBroker({
    queues: [queue('graveyard')],
    topics: [
      topic('t', {
        subscriptions: [
          subscription('everything'),
          subscription('keeping', { rules: divides }),
          subscription('dropping', { rules: divides, ...DROPPING }),
          subscription('several', { rules: [sql('all', '1 = 1'), sql('acts', 'n < 100', 'SET half = 10 / n')] }),
          subscription('unknown', { rules: [sql('sys', "sys.NoSuchProperty = 'x'")] }),
          subscription('sessions', { rules: divides, requiresSession: true }),
          subscription('burying', { rules: divides, forwardDeadLetteredMessagesTo: 'graveyard' }),
        ],
      }),
    ],
    hubs: [],
  });
  client = new ServiceBusClient(broker.connectionString);
  const sender = client.createSender('t');
  // The sender is told nothing of it: what a filter cannot do is the subscription's affair.
  await sender.sendMessages([
    { messageId: 'zero', body: 0, sessionId: 's', applicationProperties: { n: 0 }, timeToLive: 60_000 },
    { messageId: 'two', body: 2, sessionId: 's', applicationProperties: { n: 2 } },
  ]);
});
afterAll(async () => {
  await client.close();
  await broker.remove();
});

const ids = (messages: readonly ServiceBusReceivedMessage[]) => messages.map(({ messageId }) => messageId);
const peek = async (name: string) => ids(await client.createReceiver('t', name).peekMessages(10));
const deadLetters = (name: string) => client.createReceiver('t', name, { subQueueType: 'deadLetter' }).peekMessages(10);

describe('a message that a rule of a subscription cannot be evaluated on', () => {
  it('goes to the dead-letter queue of that subscription, with the reason, and to the others as ever', async () => {
    expect(await peek('everything')).toEqual(['zero', 'two']);
    expect(await peek('keeping')).toEqual(['two']);
    const [dead, ...more] = await deadLetters('keeping');
    expect(more).toEqual([]);
    expect(dead).toMatchObject({
      messageId: 'zero',
      body: 0,
      deadLetterReason: 'FilterEvaluationException',
      deadLetterErrorDescription: expect.stringContaining('zero'),
      applicationProperties: { n: 0 },
    });
  });

  it('is dropped for that subscription where it does not keep such messages', async () => {
    expect(await peek('dropping')).toEqual(['two']);
    expect(await deadLetters('dropping')).toEqual([]);
  });

  it('is none of its copies, when another rule or an action fails on it', async () => {
    expect(await peek('several')).toEqual(['two', 'two']);
    expect(ids(await deadLetters('several'))).toEqual(['zero']);
  });

  it('is one whose system property does not exist', async () => {
    expect(await peek('unknown')).toEqual([]);
    expect(ids(await deadLetters('unknown'))).toEqual(['zero', 'two']);
  });

  it('is found without its session, and is forwarded as other dead letters are', async () => {
    const receiver = client.createReceiver('t', 'sessions', {
      subQueueType: 'deadLetter',
      receiveMode: 'receiveAndDelete',
    });
    expect(ids(await receiver.receiveMessages(1))).toEqual(['zero']);
    const buried = client.createReceiver('graveyard', { receiveMode: 'receiveAndDelete' });
    const [message] = await buried.receiveMessages(1);
    expect(message).toMatchObject({ messageId: 'zero', deadLetterSource: 't/Subscriptions/burying' });
  });
});
