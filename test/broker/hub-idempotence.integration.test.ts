import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventHubBufferedProducerClient } from '@azure/event-hubs';
import rhea, { type Connection, type EventContext, type Sender } from 'rhea';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hub, startTestBroker, type TestBroker } from '../helpers/broker.js';
import { startBrokerProcess } from '../helpers/broker-process.js';
import { createHubClients, type HubClients, readEvents, sendTo } from '../helpers/hub-clients.js';

const PRODUCER = 'com.microsoft:producer-';
const { types } = rhea;

interface Access {
  readonly port: number;
  readonly connectionString: string;
}

function connect({ port, connectionString }: Access): Connection {
  const [, password = ''] = /SharedAccessKey=([^;]+)/.exec(connectionString) ?? [];
  const username = 'RootManageSharedAccessKey';
  const connection = rhea
    .create_container()
    .connect({ host: '127.0.0.1', port, username, password, reconnect: false, idle_time_out: 60_000 });
  connection.on('connection_error', () => {});
  connection.on('disconnected', () => {});
  return connection;
}

interface RawProducer {
  readonly properties: Readonly<Record<string, number>>;
  /** The condition of the refusal, or `accepted`. */
  send(first: number, count: number): Promise<string>;
  /** Resolves with the condition when the broker ends the link. */
  readonly ended: Promise<string>;
  close(): void;
}

/** An idempotent producer as the protocol has it, so that a test can repeat and skip numbers. */
function attach(
  connection: Connection,
  address: string,
  claim: { id?: number; epoch?: number; sequence?: number },
): Promise<RawProducer> {
  const sender: Sender = connection.open_sender({
    target: { address },
    desired_capabilities: 'com.microsoft:idempotent-producer',
    properties: {
      [`${PRODUCER}id`]: claim.id === undefined ? null : types.wrap_long(claim.id),
      [`${PRODUCER}epoch`]: claim.epoch === undefined ? null : types.wrap_short(claim.epoch),
      [`${PRODUCER}sequence-number`]: claim.sequence === undefined ? null : types.wrap_int(claim.sequence),
    },
  });
  const ended = new Promise<string>((resolve) => {
    sender.on('sender_error', () => resolve((sender.error as { condition?: string } | undefined)?.condition ?? ''));
  });
  const outcomes = new Map<unknown, (outcome: string) => void>();
  const settle = (outcome: (context: EventContext) => string) => (context: EventContext) =>
    outcomes.get(context.delivery)?.(outcome(context));
  sender.on(
    'accepted',
    settle(() => 'accepted'),
  );
  sender.on(
    'rejected',
    settle(({ delivery }) => {
      const state = delivery?.remote_state as { error?: { condition: string } } | undefined;
      return state?.error?.condition ?? 'rejected';
    }),
  );
  const attached = new Promise<RawProducer>((resolve) => {
    sender.once('sendable', () => {
      const properties = (sender.properties ?? {}) as Record<string, number>;
      resolve({
        properties,
        ended,
        close: () => sender.close(),
        send(first, count) {
          const events = Array.from({ length: count }, (_, index) =>
            rhea.message.encode({
              body: rhea.message.data_section(Buffer.from(String(first + index)) as never),
              message_annotations: {
                [`${PRODUCER}id`]: types.wrap_long(properties[`${PRODUCER}id`] as number),
                [`${PRODUCER}epoch`]: types.wrap_short(properties[`${PRODUCER}epoch`] as number),
                [`${PRODUCER}sequence-number`]: types.wrap_int(first + index),
              },
            } as never),
          );
          const batch = rhea.message.encode({ body: rhea.message.data_sections(events as never) } as never);
          return new Promise((done) => {
            outcomes.set(sender.send(batch as never, undefined, 0x80013700), done);
          });
        },
      });
    });
  });
  return Promise.race([
    attached,
    ended.then((condition) => {
      throw new Error(condition);
    }),
  ]);
}

const bodies = (events: readonly { body: unknown }[]) => events.map(({ body }) => Number(body));

describe('idempotent producers', () => {
  let broker: TestBroker;
  let clients: HubClients;
  let raw: Connection;

  beforeAll(async () => {
    const hubs = ['sdk', 'repeated', 'epochs', 'strict'].map((name) => hub(name));
    broker = await startTestBroker({ queues: [], topics: [], hubs });
    clients = createHubClients(broker.connectionString);
    raw = connect(broker);
  });
  afterAll(async () => {
    raw.close();
    await clients.close();
    await broker.remove();
  });

  it('of the official buffered client send each event once, and are numbered by the broker', async () => {
    const failures: unknown[] = [];
    const producer = new EventHubBufferedProducerClient(broker.connectionString, 'sdk', {
      enableIdempotentRetries: true,
      maxWaitTimeInMs: 20,
      onSendEventsErrorHandler: async ({ error }) => void failures.push(error),
    });
    for (let body = 0; body < 50; body++) await producer.enqueueEvent({ body }, { partitionId: '1' });
    await producer.flush();
    for (let body = 50; body < 100; body++) await producer.enqueueEvent({ body }, { partitionId: '1' });
    await producer.close();
    expect(failures).toEqual([]);
    const events = await readEvents(clients.consumer('sdk'), 100, { partitionId: '1' });
    expect(bodies(events)).toEqual(Array.from({ length: 100 }, (_, index) => index));
  });

  it('are answered who they are', async () => {
    const producer = await attach(raw, 'repeated/Partitions/1', {});
    const {
      [`${PRODUCER}id`]: id = 0,
      [`${PRODUCER}epoch`]: epoch,
      [`${PRODUCER}sequence-number`]: sequence,
    } = producer.properties;
    expect(id).toBeGreaterThan(0);
    expect([epoch, sequence]).toEqual([0, 0]);
    producer.close();
    const again = await attach(raw, 'repeated/Partitions/1', { id });
    expect(again.properties).toMatchObject({ [`${PRODUCER}id`]: id, [`${PRODUCER}epoch`]: 1 });
    again.close();
  });

  it('may send again what they have sent: it is accepted, and there once', async () => {
    const producer = await attach(raw, 'repeated/Partitions/0', { id: 7, epoch: 0, sequence: 0 });
    const outcomes = await Promise.all([
      producer.send(1, 3),
      producer.send(1, 3),
      producer.send(2, 4),
      producer.send(4, 1),
    ]);
    expect(outcomes).toEqual(['accepted', 'accepted', 'accepted', 'accepted']);
    expect(await producer.send(9, 1)).toBe('com.microsoft:out-of-order-sequence');
    expect(await producer.send(6, 1)).toBe('accepted');
    expect(bodies(await readEvents(clients.consumer('repeated'), 6))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await clients.producer('repeated').getPartitionProperties('0')).toMatchObject({
      lastEnqueuedSequenceNumber: 5,
    });
    producer.close();
  });

  it('lose their place to a newer one of the same id, and cannot come back', async () => {
    const address = 'epochs/Partitions/0';
    const older = await attach(raw, address, { id: 9, epoch: 1, sequence: 0 });
    expect(await older.send(1, 1)).toBe('accepted');
    const newer = await attach(raw, address, { id: 9, epoch: 2, sequence: 1 });
    expect(await older.ended).toBe('com.microsoft:producer-epoch-stolen');
    expect(await newer.send(2, 1)).toBe('accepted');
    await expect(attach(raw, address, { id: 9, epoch: 1, sequence: 1 })).rejects.toThrow(
      'com.microsoft:producer-epoch-stolen',
    );
    const other = await attach(raw, address, { id: 10, epoch: 0, sequence: 0 });
    expect(await other.send(1, 1)).toBe('accepted');
    newer.close();
    other.close();
  });

  it('send to one partition, with a number on every event', async () => {
    await expect(attach(raw, 'strict', { id: 1, epoch: 0, sequence: 0 })).rejects.toThrow('amqp:not-allowed');
    await sendTo(clients.producer('strict'), '0', ['plain']);
    const producer = await attach(raw, 'strict/Partitions/0', { id: 1, epoch: 0, sequence: 0 });
    const properties = producer.properties as Record<string, number>;
    properties[`${PRODUCER}id`] = 2;
    expect(await producer.send(1, 1)).toBe('com.microsoft:argument-error');
    producer.close();
  });

  it('are remembered by a broker that was killed, as far as it had accepted their events', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'penstock-idempotence-'));
    let process = await startBrokerProcess(dataDir);
    let connection = connect(process);
    const address = 'clicks/Partitions/0';
    const producer = await attach(connection, address, { id: 3, epoch: 1, sequence: 0 });
    expect(await producer.send(1, 5)).toBe('accepted');
    // Whether these are there nobody knows: the answer never came.
    void producer.send(6, 5);
    await process.kill();
    connection.close();

    process = await startBrokerProcess(dataDir);
    connection = connect(process);
    await expect(attach(connection, address, { id: 3, epoch: 0, sequence: 0 })).rejects.toThrow(
      'producer-epoch-stolen',
    );
    const again = await attach(connection, address, { id: 3, epoch: 1, sequence: 5 });
    expect(await again.send(1, 5)).toBe('accepted');
    expect(await again.send(6, 5)).toBe('accepted');
    expect(await again.send(11, 1)).toBe('accepted');
    const local = createHubClients(process.connectionString);
    const events = await readEvents(local.consumer('clicks'), 11);
    expect(bodies(events)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    await local.close();
    connection.close();
    expect(await process.stop()).toBe(0);
    await rm(dataDir, { recursive: true, force: true });
  });
});
