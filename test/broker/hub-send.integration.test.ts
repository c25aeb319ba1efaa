import rhea, { type Connection, type EventContext } from 'rhea';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { partitionForKey } from '../../src/shared/partition-hash.js';
import { hub, startTestBroker, type TestBroker } from '../helpers/broker.js';
import { createHubClients, type HubClients, readEvents, sendTo } from '../helpers/hub-clients.js';

const names = ['publishers', 'both', 'large'];
const topology = { queues: [], topics: [], hubs: names.map((name) => hub(name)) };

describe('senders to a hub', () => {
  let broker: TestBroker;
  let clients: HubClients;
  let raw: Connection;

  beforeAll(async () => {
    broker = await startTestBroker(topology);
    clients = createHubClients(broker.connectionString);
    const [, key = ''] = /SharedAccessKey=([^;]+)/.exec(broker.connectionString) ?? [];
    const username = 'RootManageSharedAccessKey';
    raw = rhea
      .create_container()
      .connect({ host: '127.0.0.1', port: broker.port, username, password: key, reconnect: false });
    raw.on('connection_error', () => {});
  });
  afterAll(async () => {
    raw.close();
    await clients.close();
    await broker.remove();
  });

  /** Sends one message to an address as any AMQP client can, and answers the outcome. */
  function sendRaw(address: string, message: Record<string, unknown>): Promise<string> {
    return new Promise((resolve) => {
      const sender = raw.open_sender({ target: { address }, autosettle: true });
      const done = (outcome: string) => {
        sender.close();
        resolve(outcome);
      };
      sender.once('sendable', () => void sender.send(message as never));
      sender.once('accepted', () => done('accepted'));
      sender.once('rejected', ({ delivery }: EventContext) => {
        const state = delivery?.remote_state as { error?: { condition: string } } | undefined;
        done(state?.error?.condition ?? 'rejected');
      });
      sender.on('sender_error', () => done((sender.error as { condition?: string } | undefined)?.condition ?? 'error'));
    });
  }

  it('as publishers have the partition of their name, which their events carry', async () => {
    const partitionId = String(partitionForKey('buddy-1234', 4));
    expect(await sendRaw('publishers/Publishers/buddy-1234', { body: 'mine' })).toBe('accepted');
    expect(
      await sendRaw('publishers/publishers/buddy-1234', {
        body: 'also mine',
        message_annotations: { 'x-opt-partition-key': 'buddy-1234', 'x-opt-publisher': 'somebody-else' },
      }),
    ).toBe('accepted');
    const events = await readEvents(clients.consumer('publishers'), 2, { partitionId });
    expect(events.map(({ systemProperties }) => systemProperties?.['x-opt-publisher'])).toEqual([
      'buddy-1234',
      'buddy-1234',
    ]);
    const wrongKey = { body: 'not mine', message_annotations: { 'x-opt-partition-key': 'other' } };
    expect(await sendRaw('publishers/Publishers/buddy-1234', wrongKey)).toBe('amqp:not-allowed');
    expect(await sendRaw('nowhere/Publishers/buddy-1234', { body: 'x' })).toBe('amqp:not-found');
  });

  it('name a partition or a key, and not both', async () => {
    const message = { body: 'x', message_annotations: { 'x-opt-partition-key': 'visitor-1' } };
    expect(await sendRaw('both/Partitions/0', message)).toBe('amqp:not-allowed');
    expect(await sendRaw('both', message)).toBe('accepted');
    expect(await sendRaw('both/Partitions/0', { body: 'x' })).toBe('accepted');
    expect(await sendRaw('both/Partitions/4', { body: 'x' })).toBe('com.microsoft:argument-out-of-range');
  });

  it('are told of a batch that is too large, whatever its size, and can go on', async () => {
    const producer = clients.producer('large');
    const events = (count: number) => Array.from({ length: count }, () => ({ body: Buffer.alloc(100_000) }));
    for (const count of [11, 25, 60]) {
      await expect(producer.sendBatch(events(count), { partitionId: '0' }), `${count}`).rejects.toMatchObject({
        code: 'MessageTooLargeError',
      });
    }
    await sendTo(producer, '0', ['small']);
    expect(await producer.getPartitionProperties('0')).toMatchObject({ lastEnqueuedSequenceNumber: 0 });
  });
});
