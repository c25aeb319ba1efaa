import type { LastEnqueuedEventProperties } from '@azure/event-hubs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hub, startTestBroker, type TestBroker } from '../helpers/broker.js';
import { createHubClients, type HubClients, holdReceiver, readEvents, sendTo } from '../helpers/hub-clients.js';

const names = ['positions', 'tracked', 'owned', 'many', 'facts', 'errors'];
const topology = { queues: [], topics: [], hubs: names.map((name) => hub(name, { consumerGroups: ['other'] })) };

describe('receivers of a hub', () => {
  let broker: TestBroker;
  let clients: HubClients;

  beforeAll(async () => {
    broker = await startTestBroker(topology);
    clients = createHubClients(broker.connectionString);
  });
  afterAll(async () => {
    await clients.close();
    await broker.remove();
  });

  it('begin at an offset or a sequence number, with it or behind it', async () => {
    await sendTo(clients.producer('positions'), '0', [0, 1, 2, 3]);
    const consumer = clients.consumer('positions');
    const first = async (startPosition: { sequenceNumber?: number; offset?: string; isInclusive?: boolean }) =>
      (await readEvents(consumer, 1, { startPosition }))[0]?.body as unknown;
    expect(await first({ sequenceNumber: 1, isInclusive: true })).toBe(1);
    expect(await first({ sequenceNumber: 1, isInclusive: false })).toBe(2);
    expect(await first({ offset: '1', isInclusive: true })).toBe(1);
    expect(await first({ offset: '1' })).toBe(2);
    expect(await first({ sequenceNumber: 0, isInclusive: true })).toBe(0);
  });

  it('are told of a position that does not exist yet, by offset and by sequence number', async () => {
    await sendTo(clients.producer('positions'), '1', [0]);
    const consumer = clients.consumer('positions');
    const refusal = (startPosition: { sequenceNumber?: number; offset?: string }) =>
      readEvents(consumer, 1, { partitionId: '1', startPosition }).then(String, (error: Error) => error.message);
    expect(await refusal({ sequenceNumber: 7 })).toContain(
      "The supplied sequence number '7' is invalid. The last sequence number in the system is '0'",
    );
    expect(await refusal({ offset: '7' })).toContain(
      "The supplied offset '7' is invalid. The last offset in the system is '0'",
    );
  });

  it('see with each event how far the partition is, when they ask for it', async () => {
    await sendTo(clients.producer('tracked'), '0', [0, 1, 2]);
    const seen = await new Promise<LastEnqueuedEventProperties | undefined>((resolve, reject) => {
      const subscription = clients.consumer('tracked').subscribe(
        '0',
        {
          processEvents: async (events, context) => {
            if (events.length === 0) return;
            await subscription.close();
            resolve(context.lastEnqueuedEventProperties);
          },
          processError: async (error) => reject(error),
        },
        { startPosition: { offset: '-1' }, trackLastEnqueuedEventProperties: true, maxWaitTimeInSeconds: 1 },
      );
    });
    expect(seen).toMatchObject({ sequenceNumber: 2, offset: '2' });
    expect(seen?.enqueuedOn).toBeInstanceOf(Date);
    expect(seen?.retrievedOn?.getTime()).toBeGreaterThanOrEqual(seen?.enqueuedOn?.getTime() ?? Number.NaN);
  });

  it('with an owner level are alone: the higher takes over, the lower and the one without are refused by name', async () => {
    const shared = await holdReceiver(clients.consumer('owned'));
    const low = await holdReceiver(clients.consumer('owned'), { options: { ownerLevel: 1 } });
    expect((await shared.lost).message).toMatch(
      /New receiver '[\w-]{36}' with higher epoch of '1' is created hence current receiver '[\w-]{36}' with epoch '0'/,
    );
    const high = await holdReceiver(clients.consumer('owned'), { options: { ownerLevel: 2 } });
    const lost = await low.lost;
    expect(lost.code).toBe('ReceiverDisconnectedError');
    expect(lost.message).toMatch(/current receiver '[\w-]{36}' with epoch '1' is getting disconnected/);
    await expect(holdReceiver(clients.consumer('owned'), { options: { ownerLevel: 1 } })).rejects.toMatchObject({
      code: 'ReceiverDisconnectedError',
      message: expect.stringMatching(/Receiver '[\w-]{36}' with a higher epoch '2' already exists/) as string,
    });
    await expect(holdReceiver(clients.consumer('owned'))).rejects.toMatchObject({
      code: 'ReceiverDisconnectedError',
      message: expect.stringContaining('non-epoch receiver is not allowed') as string,
    });
    const other = await holdReceiver(clients.consumer('owned', 'other'));
    await other.close();
    const again = await holdReceiver(clients.consumer('owned'), { options: { ownerLevel: 2 } });
    expect((await high.lost).code).toBe('ReceiverDisconnectedError');
    await Promise.all([shared, low, high, again].map((one) => one.close()));
  });

  it('without an owner level are five at the most, and the sixth is told who they are', async () => {
    const five = await Promise.all([1, 2, 3, 4, 5].map(() => holdReceiver(clients.consumer('many'))));
    await expect(holdReceiver(clients.consumer('many'))).rejects.toMatchObject({
      code: 'QuotaExceededError',
      message: expect.stringMatching(/List of connected receivers - (?:[\w-]{36}, ){4}[\w-]{36}\./) as string,
    });
    await five[0]?.close();
    const sixth = await holdReceiver(clients.consumer('many'));
    await Promise.all([...five.slice(1), sixth].map((one) => one.close()));
  });

  it('and senders read true figures of hub and partitions', async () => {
    const producer = clients.producer('facts');
    const before = Date.now() - 5000;
    const properties = await producer.getEventHubProperties();
    expect(properties).toMatchObject({ name: 'facts', partitionIds: ['0', '1', '2', '3'] });
    expect(properties.createdOn.getTime()).toBeGreaterThan(before - 60_000);
    expect(await producer.getPartitionProperties('3')).toMatchObject({
      eventHubName: 'facts',
      partitionId: '3',
      beginningSequenceNumber: 0,
      lastEnqueuedSequenceNumber: -1,
      lastEnqueuedOffset: '-1',
      isEmpty: true,
    });
    await sendTo(producer, '3', [1, 2]);
    const after = await producer.getPartitionProperties('3');
    expect(after).toMatchObject({
      beginningSequenceNumber: 0,
      lastEnqueuedSequenceNumber: 1,
      lastEnqueuedOffset: '1',
      isEmpty: false,
    });
    const [event] = await readEvents(clients.consumer('facts'), 1, {
      partitionId: '3',
      startPosition: { sequenceNumber: 1, isInclusive: true },
    });
    expect(after.lastEnqueuedOnUtc).toEqual(event?.enqueuedTimeUtc);
  });

  it('learn what is wrong with a partition, a group or a hub', async () => {
    await expect(readEvents(clients.consumer('errors'), 1, { partitionId: '4' })).rejects.toMatchObject({
      code: 'ArgumentOutOfRangeError',
      message: expect.stringContaining('It should be between 0 and 3.') as string,
    });
    await expect(clients.producer('errors').getPartitionProperties('4')).rejects.toMatchObject({
      code: 'ArgumentOutOfRangeError',
    });
    await expect(readEvents(clients.consumer('errors', 'nobody'), 1)).rejects.toMatchObject({
      code: 'MessagingEntityNotFoundError',
      message: expect.stringContaining(":eventhub:errors~0|nobody' could not be found") as string,
    });
    await expect(readEvents(clients.consumer('nowhere'), 1)).rejects.toMatchObject({
      code: 'MessagingEntityNotFoundError',
    });
  });
});
