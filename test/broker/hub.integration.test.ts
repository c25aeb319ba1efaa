import {
  EventHubConsumerClient,
  EventHubProducerClient,
  type EventPosition,
  earliestEventPosition,
  latestEventPosition,
  type ReceivedEventData,
} from '@azure/event-hubs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { partitionForKey } from '../../src/shared/partition-hash.js';
import { hub, startTestBroker, type TestBroker } from '../helpers/broker.js';

const topology = {
  queues: [],
  topics: [],
  hubs: ['clicks', 'positions', 'keyed', 'owned', 'large'].map((name) => hub(name, { consumerGroups: ['readers'] })),
};

describe('the hub under the official client', () => {
  let broker: TestBroker;
  const open: { close(): Promise<void> }[] = [];

  beforeAll(async () => {
    broker = await startTestBroker(topology);
  });
  afterAll(async () => {
    for (const one of open) await one.close();
    await broker.remove();
  });

  function producerOf(name: string): EventHubProducerClient {
    const producer = new EventHubProducerClient(broker.connectionString, name);
    open.push(producer);
    return producer;
  }
  function consumerOf(name: string, group = '$Default'): EventHubConsumerClient {
    const consumer = new EventHubConsumerClient(group, broker.connectionString, name, {
      retryOptions: { maxRetries: 0 },
    });
    open.push(consumer);
    return consumer;
  }

  /** The first `count` events of a partition from a position on. */
  const read = (
    consumer: EventHubConsumerClient,
    partitionId: string,
    count: number,
    startPosition: EventPosition = earliestEventPosition,
  ): Promise<ReceivedEventData[]> =>
    new Promise((resolve, reject) => {
      const found: ReceivedEventData[] = [];
      const subscription = consumer.subscribe(
        partitionId,
        {
          processEvents: async (events) => {
            found.push(...events);
            if (found.length < count) return;
            await subscription.close();
            resolve(found);
          },
          processError: async (error) => {
            await subscription.close();
            reject(error);
          },
        },
        { startPosition, maxWaitTimeInSeconds: 1, maxBatchSize: 100 },
      );
    });

  async function send(producer: EventHubProducerClient, partitionId: string, bodies: readonly unknown[]) {
    const batch = await producer.createBatch({ partitionId });
    for (const body of bodies) expect(batch.tryAdd({ body, properties: { kind: 'test' } })).toBe(true);
    await producer.sendBatch(batch);
  }

  it('gives back what was sent to a partition, in order and numbered from zero', async () => {
    const producer = producerOf('clicks');
    expect(await producer.getEventHubProperties()).toMatchObject({
      name: 'clicks',
      partitionIds: ['0', '1', '2', '3'],
    });
    expect(await producer.getPartitionProperties('2')).toMatchObject({ isEmpty: true, lastEnqueuedSequenceNumber: -1 });
    const bodies = Array.from({ length: 10 }, (_, index) => ({ index }));
    await send(producer, '2', bodies);
    const events = await read(consumerOf('clicks'), '2', 10);
    expect(events.map(({ sequenceNumber }) => sequenceNumber)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(events.map(({ body }) => body)).toEqual(bodies);
    expect(events[0]?.properties).toEqual({ kind: 'test' });
    expect(await producer.getPartitionProperties('2')).toMatchObject({
      beginningSequenceNumber: 0,
      lastEnqueuedSequenceNumber: 9,
      lastEnqueuedOffset: '9',
      isEmpty: false,
    });
  });

  it('reads from any position', async () => {
    const producer = producerOf('positions');
    const consumer = consumerOf('positions', 'readers');
    await send(producer, '0', [0, 1, 2]);
    const [, , third] = await read(consumer, '0', 3);
    const sentAt = third?.enqueuedTimeUtc as Date;
    while (Date.now() <= sentAt.getTime() + 1) await new Promise((resolve) => setImmediate(resolve));
    await send(producer, '0', [3, 4]);
    const from = async (position: EventPosition, count: number) =>
      (await read(consumer, '0', count, position)).map(({ body }) => body);
    expect(await from({ sequenceNumber: 1 }, 3)).toEqual([2, 3, 4]);
    expect(await from({ sequenceNumber: 1, isInclusive: true }, 4)).toEqual([1, 2, 3, 4]);
    expect(await from({ offset: third?.offset as string }, 2)).toEqual([3, 4]);
    expect(await from({ enqueuedOn: new Date(sentAt.getTime() + 1) }, 2)).toEqual([3, 4]);
    const latest = from(latestEventPosition, 1);
    // The link may attach at any moment: events go on until one is seen.
    let seen: unknown[] | undefined;
    void latest.then((bodies) => {
      seen = bodies;
    });
    for (let body = 5; seen === undefined; body++) await send(producer, '0', [body]);
    expect(seen[0]).toBeGreaterThanOrEqual(5);
    await expect(from({ sequenceNumber: 1_000_000 }, 1)).rejects.toThrow(
      "The supplied sequence number '1000000' is invalid",
    );
  });

  it('puts an event with a key into the partition that the hash of the service names', async () => {
    const producer = producerOf('keyed');
    const keys = Array.from({ length: 20 }, (_, index) => `visitor-${index}`);
    for (const partitionKey of keys) {
      const batch = await producer.createBatch({ partitionKey });
      batch.tryAdd({ body: partitionKey });
      await producer.sendBatch(batch);
    }
    await producer.sendBatch([{ body: 'anywhere' }]);
    const consumer = consumerOf('keyed');
    for (const partitionId of ['0', '1', '2', '3']) {
      const expected = keys.filter((key) => String(partitionForKey(key, 4)) === partitionId);
      const events = await read(consumer, partitionId, expected.length);
      const keyed = events.filter(({ body }) => body !== 'anywhere');
      expect(keyed.map(({ body }) => body)).toEqual(expected);
      expect(keyed.map(({ partitionKey }) => partitionKey)).toEqual(expected);
    }
  });

  it('gives a partition to the newest owner of the same level, and tells the other', async () => {
    const lost = new Promise<string | undefined>((resolve) => {
      consumerOf('owned').subscribe(
        '0',
        {
          processEvents: async () => {},
          processError: async (error) => resolve((error as { code?: string }).code),
        },
        { startPosition: earliestEventPosition, ownerLevel: 0, maxWaitTimeInSeconds: 1 },
      );
    });
    const first = await new Promise<boolean>((resolve, reject) => {
      consumerOf('owned').subscribe(
        '0',
        { processEvents: async () => resolve(true), processError: async (error) => reject(error) },
        { startPosition: earliestEventPosition, ownerLevel: 1, maxWaitTimeInSeconds: 1 },
      );
    });
    expect(first).toBe(true);
    expect(await lost).toBe('ReceiverDisconnectedError');
    await expect(read(consumerOf('owned'), '0', 1)).rejects.toMatchObject({ code: 'ReceiverDisconnectedError' });
  });

  it('carries events as large as the service does, and refuses larger batches', async () => {
    const producer = producerOf('large');
    const batch = await producer.createBatch({ partitionId: '1' });
    expect(batch.maxSizeInBytes).toBe(1024 * 1024);
    const body = Buffer.alloc(200_000, 7);
    while (batch.tryAdd({ body }));
    expect(batch.count).toBe(5);
    await producer.sendBatch(batch);
    const events = await read(consumerOf('large'), '1', 5);
    expect(events.every((event) => body.equals(event.body as Buffer))).toBe(true);
  });

  it('refuses an unknown hub, group and partition with the codes of the service', async () => {
    await expect(producerOf('nowhere').getPartitionIds()).rejects.toMatchObject({
      code: 'MessagingEntityNotFoundError',
    });
    await expect(read(consumerOf('clicks', 'nobody'), '0', 1)).rejects.toMatchObject({
      code: 'MessagingEntityNotFoundError',
    });
    await expect(read(consumerOf('clicks'), '9', 1)).rejects.toMatchObject({ code: 'ArgumentOutOfRangeError' });
  });
});
