import { randomUUID } from 'node:crypto';
import {
  EventHubBufferedProducerClient,
  EventHubConsumerClient,
  EventHubProducerClient,
  type EventPosition,
  earliestEventPosition,
  latestEventPosition,
  type ReceivedEventData,
} from '@azure/event-hubs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holdReceiver } from '../../helpers/hub-clients.js';
import { openService, type Service } from './support/service.js';

describe('event hubs', () => {
  let service: Service;
  let producer: EventHubProducerClient;
  const open: { close(): Promise<void> }[] = [];

  beforeAll(async () => {
    service = await openService();
    producer = new EventHubProducerClient(service.hub.connectionString, service.hub.name);
    open.push(producer);
  });
  afterAll(async () => {
    for (const one of open) await one.close();
    await service.close();
  });

  function consumerOf(group = '$Default', name = service.hub.name): EventHubConsumerClient {
    const options = { retryOptions: { maxRetries: 0 } };
    const consumer = new EventHubConsumerClient(group, service.hub.connectionString, name, options);
    open.push(consumer);
    return consumer;
  }

  interface Reading {
    readonly partitionId: string;
    readonly from: EventPosition;
    /** Says when it has enough. */
    readonly until: (events: readonly ReceivedEventData[]) => boolean;
    readonly consumer?: EventHubConsumerClient;
    readonly tracked?: boolean;
  }

  function read({ partitionId, from, until, consumer = consumerOf(), tracked = false }: Reading) {
    return new Promise<ReceivedEventData[]>((resolve, reject) => {
      const found: ReceivedEventData[] = [];
      const subscription = consumer.subscribe(
        partitionId,
        {
          processEvents: async (events, context) => {
            found.push(...events);
            if (tracked && events.length > 0) {
              expect(context.lastEnqueuedEventProperties?.sequenceNumber).toBeGreaterThanOrEqual(
                found.at(-1)?.sequenceNumber ?? 0,
              );
            }
            if (!until(found)) return;
            await subscription.close();
            resolve(found);
          },
          processError: async (error) => {
            await subscription.close();
            reject(error);
          },
        },
        { startPosition: from, maxWaitTimeInSeconds: 1, maxBatchSize: 100, trackLastEnqueuedEventProperties: tracked },
      );
    });
  }
  const atLeast = (count: number) => (events: readonly ReceivedEventData[]) => events.length >= count;

  /** Sends a row of numbered events and answers the number of the first. */
  async function send(partitionId: string, bodies: readonly unknown[]): Promise<number> {
    const batch = await producer.createBatch({ partitionId });
    for (const body of bodies) expect(batch.tryAdd({ body, properties: { kind: 'test' } })).toBe(true);
    await producer.sendBatch(batch);
    const { lastEnqueuedSequenceNumber } = await producer.getPartitionProperties(partitionId);
    return lastEnqueuedSequenceNumber - bodies.length + 1;
  }

  it('tells the properties of hub and partitions', async () => {
    const { name, partitionIds, createdOn } = await producer.getEventHubProperties();
    expect(name.toLowerCase()).toBe(service.hub.name.toLowerCase());
    expect(createdOn.getTime()).toBeLessThan(Date.now() + 120_000);
    expect(partitionIds.slice(0, 2)).toEqual(['0', '1']);
    const first = await send('0', ['a', 'b']);
    const facts = await producer.getPartitionProperties('0');
    expect(facts).toMatchObject({ partitionId: '0', isEmpty: false, lastEnqueuedSequenceNumber: first + 1 });
    expect(facts.beginningSequenceNumber).toBeLessThanOrEqual(first);
  });

  it('gives back what was sent to a partition, in order, with properties and numbers', async () => {
    const bodies = Array.from({ length: 10 }, (_, index) => ({ index }));
    const first = await send('0', bodies);
    const from = { sequenceNumber: first, isInclusive: true };
    const events = await read({ partitionId: '0', from, until: atLeast(10), tracked: true });
    expect(events.map(({ body }) => body)).toEqual(bodies);
    expect(events.map(({ sequenceNumber }) => sequenceNumber)).toEqual(bodies.map((_, index) => first + index));
    expect(events[0]).toMatchObject({ properties: { kind: 'test' } });
    const times = events.map(({ enqueuedTimeUtc }) => enqueuedTimeUtc.getTime());
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('reads from a number, an offset, a time, the earliest and the latest event', async () => {
    const partitionId = '1';
    const first = await send(partitionId, [0, 1, 2]);
    const at = { sequenceNumber: first, isInclusive: true };
    const [, , third] = await read({ partitionId, from: at, until: atLeast(3) });
    const sentMs = third?.enqueuedTimeUtc.getTime() ?? 0;
    // The next events have to be of a later moment, by the clock of the service.
    while (Date.now() <= sentMs + 1) await new Promise((resolve) => setImmediate(resolve));
    await send(partitionId, [3, 4]);
    const from = async (position: EventPosition, count: number) =>
      (await read({ partitionId, from: position, until: atLeast(count) })).map(({ body }) => body);
    expect(await from({ sequenceNumber: first + 1 }, 3)).toEqual([2, 3, 4]);
    expect(await from({ sequenceNumber: first + 1, isInclusive: true }, 4)).toEqual([1, 2, 3, 4]);
    expect(await from({ offset: third?.offset ?? '' }, 2)).toEqual([3, 4]);
    expect(await from({ offset: third?.offset ?? '', isInclusive: true }, 3)).toEqual([2, 3, 4]);
    expect(await from({ enqueuedOn: new Date(sentMs + 1) }, 2)).toEqual([3, 4]);
    const { beginningSequenceNumber } = await producer.getPartitionProperties(partitionId);
    const [earliest] = await read({ partitionId, from: earliestEventPosition, until: atLeast(1) });
    expect(earliest?.sequenceNumber).toBe(beginningSequenceNumber);
    // The link may attach at any moment: events go on until one is seen.
    let seen: unknown[] | undefined;
    const latest = from(latestEventPosition, 1).then((bodies) => {
      seen = bodies;
    });
    for (let body = 5; seen === undefined; body++) await send(partitionId, [body]);
    await latest;
    expect(seen[0]).toBeGreaterThanOrEqual(5);
    await expect(from({ sequenceNumber: first + 1_000_000 }, 1)).rejects.toThrow('The supplied sequence number');
  });

  it('keeps the events of a key together and in order', async () => {
    const keys = Array.from({ length: 12 }, () => `key-${randomUUID()}`);
    const partitionIds = await producer.getPartitionIds();
    const before = await Promise.all(partitionIds.map((id) => producer.getPartitionProperties(id)));
    for (const body of [1, 2]) {
      for (const partitionKey of keys) await producer.sendBatch([{ body }], { partitionKey });
    }
    const found: ReceivedEventData[] = [];
    for (const { partitionId, lastEnqueuedSequenceNumber: last } of before) {
      const { lastEnqueuedSequenceNumber: now } = await producer.getPartitionProperties(partitionId);
      if (now === last) continue;
      found.push(
        ...(await read({
          partitionId,
          from: { sequenceNumber: last + 1, isInclusive: true },
          until: atLeast(now - last),
        })),
      );
    }
    for (const key of keys) {
      expect(found.filter(({ partitionKey }) => partitionKey === key).map(({ body }) => body as unknown)).toEqual([
        1, 2,
      ]);
    }
  });

  /** A client that sends by itself, some at a time; it throws what it could not send when it is closed. */
  function buffered(options: { readonly enableIdempotentRetries?: boolean } = {}) {
    const failures: unknown[] = [];
    const client = new EventHubBufferedProducerClient(service.hub.connectionString, service.hub.name, {
      ...options,
      maxWaitTimeInMs: 20,
      onSendEventsErrorHandler: async ({ error }) => void failures.push(error),
    });
    open.push(client);
    const flush = async () => {
      await client.flush();
      expect(failures).toEqual([]);
    };
    return { client, flush };
  }

  it('puts the events of a key where a client that computes the partition itself puts them', async () => {
    const keys = Array.from({ length: 8 }, () => `key-${randomUUID()}`);
    const partitionIds = await producer.getPartitionIds();
    const before = await Promise.all(partitionIds.map((id) => producer.getPartitionProperties(id)));
    const { client, flush } = buffered();
    for (const partitionKey of keys) {
      await client.enqueueEvent({ body: partitionKey }, { partitionKey });
      await producer.sendBatch([{ body: partitionKey }], { partitionKey });
    }
    await flush();
    const places = new Map<unknown, string[]>();
    for (const { partitionId, lastEnqueuedSequenceNumber: last } of before) {
      const { lastEnqueuedSequenceNumber: now } = await producer.getPartitionProperties(partitionId);
      if (now === last) continue;
      const from = { sequenceNumber: last + 1, isInclusive: true };
      for (const { body } of await read({ partitionId, from, until: atLeast(now - last) })) {
        places.set(body, [...(places.get(body) ?? []), partitionId]);
      }
    }
    for (const key of keys) {
      const found = places.get(key) ?? [];
      expect(found).toHaveLength(2);
      expect(new Set(found).size).toBe(1);
    }
  });

  it('takes each event of an idempotent producer once', async () => {
    const { lastEnqueuedSequenceNumber: last } = await producer.getPartitionProperties('1');
    const { client, flush } = buffered({ enableIdempotentRetries: true });
    for (let body = 0; body < 20; body++) await client.enqueueEvent({ body }, { partitionId: '1' });
    await flush();
    const { lastEnqueuedSequenceNumber: now } = await producer.getPartitionProperties('1');
    expect(now - last).toBe(20);
    const from = { sequenceNumber: last + 1, isInclusive: true };
    const events = await read({ partitionId: '1', from, until: atLeast(20) });
    expect(events.map(({ body }) => body as unknown)).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });

  it('spreads events without a key over the partitions', async () => {
    const partitionIds = await producer.getPartitionIds();
    const last = async () =>
      (await Promise.all(partitionIds.map((id) => producer.getPartitionProperties(id)))).map(
        ({ lastEnqueuedSequenceNumber }) => lastEnqueuedSequenceNumber,
      );
    const before = await last();
    for (let index = 0; index < partitionIds.length * 5; index++) await producer.sendBatch([{ body: index }]);
    const grown = (await last()).filter((number, index) => number > (before[index] ?? 0));
    expect(grown.length).toBeGreaterThan(1);
  });

  it('takes a batch up to the size that the link says, and refuses more', async () => {
    const batch = await producer.createBatch({ partitionId: '0' });
    const body = Buffer.alloc(Math.floor(batch.maxSizeInBytes / 5) - 1000, 7);
    while (batch.tryAdd({ body }));
    expect(batch.count).toBe(5);
    const { lastEnqueuedSequenceNumber: last } = await producer.getPartitionProperties('0');
    await producer.sendBatch(batch);
    const events = await read({
      partitionId: '0',
      from: { sequenceNumber: last + 1, isInclusive: true },
      until: atLeast(5),
    });
    expect(events.every((event) => body.equals(event.body as Buffer))).toBe(true);
    const tooLarge = [{ body: Buffer.alloc(batch.maxSizeInBytes + 1) }];
    await expect(producer.sendBatch(tooLarge, { partitionId: '0' })).rejects.toThrow();
  });

  it('gives a partition to the highest owner, and tells the one that loses it', async () => {
    const started = (ownerLevel: number) => {
      let lost: (code: string | undefined) => void = () => {};
      const disconnected = new Promise<string | undefined>((resolve) => {
        lost = resolve;
      });
      const reading = new Promise<void>((resolve) => {
        consumerOf().subscribe(
          '0',
          {
            processEvents: async () => resolve(),
            processError: async (error) => lost((error as { code?: string }).code),
          },
          { startPosition: earliestEventPosition, ownerLevel, maxWaitTimeInSeconds: 1 },
        );
      });
      return { disconnected, reading };
    };
    const low = started(1);
    await low.reading;
    const high = started(2);
    await high.reading;
    expect(await low.disconnected).toBe('ReceiverDisconnectedError');
    // Neither a lower level nor none gets in as long as the owner is there.
    expect(await started(1).disconnected).toBe('ReceiverDisconnectedError');
    const plain = read({ partitionId: '0', from: earliestEventPosition, until: atLeast(1) });
    await expect(plain).rejects.toMatchObject({ code: 'ReceiverDisconnectedError' });
  });

  it('has five readers of a partition without an owner level at the most', async () => {
    const readers: Awaited<ReturnType<typeof holdReceiver>>[] = [];
    for (let index = 0; index < 5; index++) readers.push(await holdReceiver(consumerOf(), { partitionId: '1' }));
    await expect(holdReceiver(consumerOf(), { partitionId: '1' })).rejects.toMatchObject({
      code: 'QuotaExceededError',
    });
    for (const reader of readers) await reader.close();
  });

  it('refuses an unknown hub, group and partition with the codes of the service', async () => {
    const missing = { code: 'MessagingEntityNotFoundError' };
    const nowhere = new EventHubProducerClient(service.hub.connectionString, `${service.hub.name}-not`, {
      retryOptions: { maxRetries: 0 },
    });
    open.push(nowhere);
    await expect(nowhere.getPartitionIds()).rejects.toMatchObject(missing);
    const from = earliestEventPosition;
    const ofNobody = read({ partitionId: '0', from, until: atLeast(1), consumer: consumerOf('nobody') });
    await expect(ofNobody).rejects.toMatchObject(missing);
    await expect(read({ partitionId: '999', from, until: atLeast(1) })).rejects.toMatchObject({
      code: 'ArgumentOutOfRangeError',
    });
  });
});
