import { ServiceBusClient } from '@azure/service-bus';
import Long from 'long';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hub, queue, startTestBroker, subscription, type TestBroker, topic } from '../../../helpers/broker.js';
import { type Controller, connectController, type How } from './controller.js';

let broker: TestBroker;
let client: ServiceBusClient;
let controller: Controller;
let queues = 0;

beforeAll(async () => {
  const names = Array.from({ length: 40 }, (_, index) => queue(`q${index}`));
  broker = await startTestBroker({
    queues: [
      ...names,
      queue('unique', { requiresDuplicateDetection: true }),
      queue('forwards', { forwardTo: 'forwarded' }),
      queue('forwarded'),
    ],
    topics: [topic('events', { subscriptions: [subscription('one'), subscription('two')] })],
    hubs: [hub('clicks')],
  });
  client = new ServiceBusClient(broker.connectionString);
});
afterAll(async () => {
  await client.close();
  await broker.remove();
});
beforeEach(async () => {
  controller = await connectController(broker.connectionString);
});
afterEach(() => controller.close());

/** A queue that no other test uses. */
const fresh = () => `q${queues++}`;

/** What anybody can see in an entity. */
async function peek(...path: [string] | [string, string]): Promise<unknown[]> {
  const receiver = path.length === 1 ? client.createReceiver(path[0]) : client.createReceiver(path[0], path[1]);
  const messages = await receiver.peekMessages(200, { fromSequenceNumber: Long.ONE });
  await receiver.close();
  return messages.map(({ messageId }) => messageId);
}
async function deadLetters(name: string) {
  const receiver = client.createReceiver(name, { subQueueType: 'deadLetter' });
  const messages = await receiver.peekMessages(10, { fromSequenceNumber: Long.ONE });
  await receiver.close();
  return messages.map(({ messageId, deadLetterReason }) => ({ messageId, deadLetterReason }));
}
const message = (messageId: string) => ({ message_id: messageId, body: messageId });

describe('a transaction', () => {
  it('shows nothing of its sends before it commits, and then all of them, in order, on queues and topics', async () => {
    const name = fresh();
    const id = await controller.declare();
    for (const one of ['a', 'b']) expect(await controller.send(name, message(one), id)).toEqual({ transaction: id });
    await controller.send('events', message('c'), id);
    await controller.send(name, message('outside'));
    expect(await peek(name)).toEqual(['outside']);
    expect(await controller.discharge(id)).toEqual({});
    expect(await peek(name)).toEqual(['outside', 'a', 'b']);
    expect(await peek('events', 'one')).toEqual(['c']);
    expect(await peek('events', 'two')).toEqual(['c']);
  });

  it('leaves nothing behind when it is rolled back', async () => {
    const [from, to] = [fresh(), fresh()];
    await controller.send(from, message('a'));
    const id = await controller.declare();
    await controller.send(to, message('b'), id);
    const [received] = await controller.receive(from, 1);
    if (!received) throw new Error('nothing received');
    expect(await controller.settle(received.delivery, 'complete', id)).toEqual({ transaction: id });
    expect(await controller.discharge(id, true)).toEqual({});
    expect(await peek(to)).toEqual([]);
    expect(await peek(from)).toEqual(['a']);
    expect(await controller.discharge(id)).toMatchObject({ condition: 'amqp:transaction:unknown-id' });
  });

  it('takes a message from one queue and puts another one elsewhere, together', async () => {
    const [from, to] = [fresh(), fresh()];
    await controller.send(from, message('in'));
    const [received] = await controller.receive(from, 1);
    if (!received) throw new Error('nothing received');
    const id = await controller.declare();
    await controller.settle(received.delivery, 'complete', id);
    await controller.send(to, message('out'), id);
    expect(await peek(from)).toEqual(['in']);
    expect(await controller.discharge(id)).toEqual({});
    expect(await peek(from)).toEqual([]);
    expect(await peek(to)).toEqual(['out']);
  });

  it.each<[How, () => Promise<string>]>([
    ['abandon', async () => 'abandon'],
    ['defer', async () => 'defer'],
    ['reject', async () => 'reject'],
  ])('can %s a message', async (how) => {
    const name = fresh();
    await controller.send(name, message('a'));
    const [received] = await controller.receive(name, 1);
    if (!received) throw new Error('nothing received');
    const id = await controller.declare();
    expect(await controller.settle(received.delivery, how, id)).toEqual({ transaction: id });
    expect(await deadLetters(name)).toEqual([]);
    expect(await controller.discharge(id)).toEqual({});
    const dead = how === 'reject' ? [{ messageId: 'a', deadLetterReason: 'bad' }] : [];
    expect(await deadLetters(name)).toEqual(dead);
    if (how === 'abandon') {
      const [again] = await controller.receive(name, 1);
      expect(again?.message).toMatchObject({ message_id: 'a', delivery_count: 1 });
    }
    if (how === 'defer') {
      const [peeked] = await client.createReceiver(name).peekMessages(1, { fromSequenceNumber: Long.ONE });
      expect(peeked).toMatchObject({ messageId: 'a', state: 'deferred' });
    }
  });

  it('drops duplicates, of what is there and of what it holds itself', async () => {
    await controller.send('unique', message('a'));
    const id = await controller.declare();
    for (const one of ['a', 'b', 'b', 'c']) await controller.send('unique', message(one), id);
    // Not seen yet: what is not committed does not count.
    await controller.send('unique', message('c'));
    expect(await controller.discharge(id)).toEqual({});
    expect(await peek('unique')).toEqual(['a', 'c', 'b']);
  });

  it('forwards what it sends to a queue that forwards', async () => {
    const id = await controller.declare();
    await controller.send('forwards', message('a'), id);
    await controller.discharge(id);
    expect(await peek('forwarded')).toEqual(['a']);
  });

  it('is rolled back with the link to the coordinator, and with the connection', async () => {
    const name = fresh();
    const id = await controller.declare();
    await controller.send(name, message('a'), id);
    await controller.leaveCoordinator();
    expect(await controller.send(name, message('b'), id)).toMatchObject({ condition: 'amqp:transaction:unknown-id' });
    const other = await connectController(broker.connectionString);
    const lost = await other.declare();
    await other.send(name, message('c'), lost);
    await other.close();
    expect(await controller.discharge(lost)).toMatchObject({ condition: 'amqp:transaction:unknown-id' });
    expect(await peek(name)).toEqual([]);
  });

  it('of one connection is none of another', async () => {
    const name = fresh();
    const other = await connectController(broker.connectionString);
    const id = await controller.declare();
    expect(await other.send(name, message('a'), id)).toMatchObject({ condition: 'amqp:transaction:unknown-id' });
    expect(await other.discharge(id)).toMatchObject({ condition: 'amqp:transaction:unknown-id' });
    await other.close();
  });

  it('holds at most 100 messages, and none for a hub', async () => {
    const name = fresh();
    const id = await controller.declare();
    for (let index = 0; index < 100; index++) await controller.send(name, message(`m${index}`), id);
    expect(await controller.send(name, message('more'), id)).toMatchObject({
      condition: 'amqp:not-allowed',
      description: 'Cannot send more than 100 messages in a single transaction.',
    });
    expect(await controller.send('clicks', message('click'), id)).toMatchObject({ condition: 'amqp:not-allowed' });
    expect(await controller.discharge(id)).toEqual({});
    expect(await peek(name)).toHaveLength(100);
  });

  it('is refused when it is asked for in words that the coordinator does not know', async () => {
    await expect(controller.discharge('00')).resolves.toMatchObject({ condition: 'amqp:transaction:unknown-id' });
    const open: string[] = [];
    for (let index = 0; index < 100; index++) open.push(await controller.declare());
    await expect(controller.declare()).rejects.toThrow('amqp:resource-limit-exceeded');
    for (const id of open) await controller.discharge(id, true);
    await controller.discharge(await controller.declare());
  });
});
