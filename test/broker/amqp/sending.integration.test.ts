import { ServiceBusClient } from '@azure/service-bus';
import Long from 'long';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hub, queue, startTestBroker, type TestBroker } from '../../helpers/broker.js';
import { type Controller, connectController } from './transactions/controller.js';

let broker: TestBroker;
let client: ServiceBusClient;
let controller: Controller;
beforeAll(async () => {
  const names = ['via', 'to', 'rules', 'later', 'transacted', 'deferring'];
  broker = await startTestBroker({
    queues: [...names.map((name) => queue(name)), queue('off', { status: 'Disabled' })],
    topics: [],
    hubs: [hub('clicks')],
  });
  client = new ServiceBusClient(broker.connectionString, { retryOptions: { maxRetries: 0 } });
  controller = await connectController(broker.connectionString);
});
afterAll(async () => {
  await controller.close();
  await client.close();
  await broker.remove();
});

async function peek(name: string): Promise<unknown[]> {
  const receiver = client.createReceiver(name);
  const messages = await receiver.peekMessages(50, { fromSequenceNumber: Long.ONE });
  await receiver.close();
  return messages.map(({ messageId }) => messageId);
}
const message = (messageId: string) => ({ message_id: messageId, body: messageId });

describe('what is sent', () => {
  it('is refused with its reason when an id or key is too long or contradicts another, also when it is scheduled', async () => {
    const argument = { condition: 'com.microsoft:argument-error' };
    expect(await controller.send('rules', message('x'.repeat(129)))).toMatchObject(argument);
    const session = { group_id: 's', message_annotations: { 'x-opt-partition-key': 'p' } };
    expect(await controller.send('rules', { ...message('a'), ...session })).toMatchObject(argument);
    const inAnHour = new Date(Date.now() + 3_600_000);
    const sender = client.createSender('rules');
    const long = { body: 1, replyToSessionId: 'x'.repeat(129) };
    await expect(sender.scheduleMessages(long, inAnHour)).rejects.toThrow('ReplyToSessionId');
    expect(await peek('rules')).toEqual([]);
  });

  it('as a batch is taken whole or not at all, each message at its own time', async () => {
    const sender = client.createSender('later');
    const inAnHour = new Date(Date.now() + 3_600_000);
    await sender.sendMessages([
      { messageId: 'now', body: 1 },
      { messageId: 'later', body: 2, scheduledEnqueueTimeUtc: inAnHour },
    ]);
    const bad = { messageId: 'bad', body: 3, scheduledEnqueueTimeUtc: inAnHour, replyToSessionId: 'x'.repeat(129) };
    await expect(sender.sendMessages([{ messageId: 'with it', body: 3 }, bad])).rejects.toThrow('ReplyToSessionId');
    const receiver = client.createReceiver('later');
    const peeked = await receiver.peekMessages(10, { fromSequenceNumber: Long.ONE });
    expect(peeked.map(({ messageId, state }) => [messageId, state])).toEqual([
      ['now', 'active'],
      ['later', 'scheduled'],
    ]);
  });

  it('by way of another entity goes to its destination, and in a transaction only when that commits', async () => {
    expect(await controller.send('via>to', message('direct'))).toEqual({});
    const id = await controller.declare();
    await controller.send('via>transacted', message('a'), id);
    await controller.send('via', message('b'), id);
    expect(await peek('transacted')).toEqual([]);
    expect(await controller.discharge(id)).toEqual({});
    expect([await peek('to'), await peek('transacted'), await peek('via')]).toEqual([['direct'], ['a'], ['b']]);
  });

  it.each([
    ['that is not there', 'via>nowhere', 'amqp:not-found'],
    ['that is an event hub', 'via>clicks', 'amqp:not-allowed'],
    ['that is disabled', 'via>off', 'com.microsoft:entity-disabled'],
    ['that is a dead-letter queue', 'via>to/$DeadLetterQueue', 'amqp:not-allowed'],
    ['by way of what is disabled', 'off>to', 'com.microsoft:entity-disabled'],
  ])('is refused for a destination %s', async (_what, address, condition) => {
    await expect(controller.send(address, message('m'))).rejects.toMatchObject({ condition });
  });
});

describe('deferred messages that are received together', () => {
  it('are no more than one answer may hold, and nothing happens to more', async () => {
    const sender = client.createSender('deferring');
    const body = Buffer.alloc(1000 * 1024);
    for (let count = 0; count < 10; count++) await sender.sendMessages({ body });
    const receiver = client.createReceiver('deferring');
    const numbers: Long[] = [];
    while (numbers.length < 10) {
      for (const one of await receiver.receiveMessages(10 - numbers.length, { maxWaitTimeInMs: 2000 })) {
        await receiver.deferMessage(one);
        numbers.push(one.sequenceNumber as Long);
      }
    }
    const taking = client.createReceiver('deferring', { receiveMode: 'receiveAndDelete' });
    await expect(taking.receiveDeferredMessages(numbers)).rejects.toMatchObject({ code: 'MessageSizeExceeded' });
    expect(await taking.receiveDeferredMessages(numbers.slice(0, 5))).toHaveLength(5);
    expect(await taking.receiveDeferredMessages(numbers.slice(5))).toHaveLength(5);
  });
});
