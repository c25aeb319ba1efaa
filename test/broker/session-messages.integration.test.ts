import { ServiceBusClient } from '@azure/service-bus';
import Long from 'long';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { queue, startTestBroker, type TestBroker } from '../helpers/broker.js';
import { connectController } from './amqp/transactions/controller.js';
import { requestOn } from './management-request.js';

let broker: TestBroker;
let client: ServiceBusClient;
beforeAll(async () => {
  const names = ['scheduled', 'deleting'];
  broker = await startTestBroker({
    queues: names.map((name) => queue(name, { requiresSession: true })),
    topics: [],
    hubs: [],
  });
  client = new ServiceBusClient(broker.connectionString);
});
afterAll(async () => {
  await client.close();
  await broker.remove();
});

describe('the scheduled messages of a session', () => {
  it('are shown among its own, until they are cancelled', async () => {
    const sender = client.createSender('scheduled');
    const inAnHour = new Date(Date.now() + 3_600_000);
    await sender.sendMessages([
      { messageId: 'a1', body: 1, sessionId: 'a' },
      { messageId: 'b1', body: 1, sessionId: 'b' },
    ]);
    const [second] = await sender.scheduleMessages({ messageId: 'a2', body: 2, sessionId: 'a' }, inAnHour);
    await sender.scheduleMessages({ messageId: 'b2', body: 2, sessionId: 'b' }, inAnHour);
    await sender.sendMessages({ messageId: 'a3', body: 3, sessionId: 'a', scheduledEnqueueTimeUtc: inAnHour });
    const receiver = await client.acceptSession('scheduled', 'a');
    const peek = async () => {
      const messages = await receiver.peekMessages(10, { fromSequenceNumber: Long.ONE });
      return messages.map(({ messageId, state }) => [messageId, state]);
    };
    expect(await peek()).toEqual([
      ['a1', 'active'],
      ['a2', 'scheduled'],
      ['a3', 'scheduled'],
    ]);
    await sender.cancelScheduledMessages(second as Long);
    expect(await peek()).toEqual([
      ['a1', 'active'],
      ['a3', 'scheduled'],
    ]);
    await receiver.close();
  });
});

describe('deleting messages by the batch', () => {
  const request = (sessionId?: string) => ({
    operation: 'com.microsoft:batch-delete-messages',
    body: {
      'message-count': 100,
      'enqueued-time-utc': new Date(Date.now() + 60_000),
      ...(sessionId === undefined ? {} : { 'session-id': sessionId }),
    },
  });

  it('takes those of a session that are not locked, for who holds it and for nobody else', async () => {
    const messages = ['a', 'a', 'b', 'a'].map((sessionId, index) => ({
      messageId: `${sessionId}${index}`,
      sessionId,
      body: 1,
    }));
    await client.createSender('deleting').sendMessages(messages);
    const controller = await connectController(broker.connectionString);
    const [locked] = await controller.receive('deleting', 1, 'a');
    expect(locked?.message['message_id']).toBe('a0');
    const { connection } = controller;
    expect(await requestOn(connection, 'deleting', request())).toMatchObject({ statusCode: 400 });
    expect(await requestOn(connection, 'deleting', request('b'))).toMatchObject({
      statusCode: 410,
      errorCondition: 'com.microsoft:session-lock-lost',
    });
    expect(await requestOn(connection, 'deleting', request('a'))).toMatchObject({
      statusCode: 200,
      body: { 'message-count': 2 },
    });
    const left = await client.createReceiver('deleting').peekMessages(10, { fromSequenceNumber: Long.ONE });
    expect(left.map(({ messageId }) => messageId)).toEqual(['a0', 'b2']);
    await controller.close();
  });
});
