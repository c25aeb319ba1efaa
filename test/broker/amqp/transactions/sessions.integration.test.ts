import { ServiceBusClient } from '@azure/service-bus';
import Long from 'long';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/shared/clock.js';
import { queue, startTestBroker, type TestBroker } from '../../../helpers/broker.js';
import { createManualClock, type ManualClock } from '../../../helpers/manual-clock.js';
import { type Controller, connectController } from './controller.js';

let broker: TestBroker;
let client: ServiceBusClient;
let controller: Controller;
let clock: ManualClock;
let queues = 0;

beforeAll(async () => {
  clock = createManualClock(systemClock.now());
  const names = Array.from({ length: 10 }, (_, index) => queue(`s${index}`, { requiresSession: true }));
  broker = await startTestBroker({ queues: [...names, queue('plain')], topics: [], hubs: [] }, { clock });
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

const fresh = () => `s${queues++}`;
const message = (messageId: string, session?: string) => ({
  message_id: messageId,
  body: messageId,
  ...(session === undefined ? {} : { group_id: session }),
});

async function peek(name: string): Promise<unknown[]> {
  const receiver = client.createReceiver(name);
  const messages = await receiver.peekMessages(50, { fromSequenceNumber: Long.ONE });
  await receiver.close();
  return messages.map(({ messageId }) => messageId);
}

describe('a transaction with sessions', () => {
  it('completes messages of a session and sends to others, together', async () => {
    const [from, to] = [fresh(), fresh()];
    for (const one of ['a', 'b', 'c']) await controller.send(from, message(one, 'x'));
    const got = await controller.receive(from, 2, 'x');
    const id = await controller.declare();
    for (const { delivery } of got) {
      expect(await controller.settle(delivery, 'complete', id)).toEqual({ transaction: id });
    }
    await controller.send(to, message('1', 'y'), id);
    await controller.send(to, message('2', 'z'), id);
    expect([await peek(from), await peek(to)]).toEqual([['a', 'b', 'c'], []]);
    expect(await controller.discharge(id)).toEqual({});
    expect([await peek(from), await peek(to)]).toEqual([['c'], ['1', '2']]);
    // What it sent belongs to its sessions, and the session goes on.
    expect((await controller.receive(to, 1, 'z')).map((one) => one.message['message_id'])).toEqual(['2']);
    expect((await controller.receive(from, 1, 'x')).map((one) => one.message['message_id'])).toEqual(['c']);
  });

  it('is rolled back whole when the session was given back before it commits', async () => {
    const name = fresh();
    await controller.send(name, message('a', 'x'));
    const [received] = await controller.receive(name, 1, 'x');
    if (received === undefined) throw new Error('nothing received');
    const id = await controller.declare();
    await controller.settle(received.delivery, 'complete', id);
    await controller.send(name, message('b', 'y'), id);
    await controller.leaveSession(name, 'x');
    expect(await controller.discharge(id)).toMatchObject({ condition: 'amqp:transaction:rollback' });
    expect(await peek(name)).toEqual(['a']);
    expect(await controller.receive(name, 1, 'x')).toHaveLength(1);
  });

  it('refuses a message without a session, and the rest of it goes on', async () => {
    const name = fresh();
    const id = await controller.declare();
    expect(await controller.send(name, message('none'), id)).toMatchObject({ condition: 'amqp:not-allowed' });
    await controller.send(name, message('a', 'x'), id);
    expect(await controller.discharge(id)).toEqual({});
    expect(await peek(name)).toEqual(['a']);
  });
});

describe('a transaction that is not discharged', () => {
  it('lasts for 2 minutes, and is then rolled back: nothing more can be added to it, and nothing of it is seen', async () => {
    const id = await controller.declare();
    await controller.send('plain', message('a'), id);
    clock.advance(119_000);
    expect(await controller.send('plain', message('b'), id)).toEqual({ transaction: id });
    clock.advance(1000);
    const gone = { condition: 'amqp:transaction:unknown-id' };
    expect(await controller.send('plain', message('c'), id)).toMatchObject(gone);
    expect(await controller.discharge(id)).toMatchObject(gone);
    expect(await peek('plain')).toEqual([]);
    const next = await controller.declare();
    await controller.send('plain', message('d'), next);
    expect(await controller.discharge(next)).toEqual({});
    expect(await peek('plain')).toEqual(['d']);
  });
});
