import { EventHubConsumerClient, earliestEventPosition } from '@azure/event-hubs';
import { ServiceBusClient, type ServiceBusReceiver } from '@azure/service-bus';
import { HUB, ORDERS } from './broker.js';
import type { Ledger, Place } from './ledger.js';

const QUIET_MS = 1500;

/** Everything that a receiver gets until nothing more comes. */
async function takeAll(receiver: ServiceBusReceiver, each: (id: string, sequence: number, count: number) => void) {
  for (;;) {
    const messages = await receiver.receiveMessages(500, { maxWaitTimeInMs: QUIET_MS });
    if (messages.length === 0) return;
    for (const { messageId, sequenceNumber, deliveryCount } of messages) {
      each(String(messageId), sequenceNumber?.toNumber() ?? 0, deliveryCount ?? 0);
    }
  }
}

/** Takes what is left in a queue once it is empty for receivers: deferred messages. */
async function takeDeferred(receiver: ServiceBusReceiver, each: (id: string, sequence: number, count: number) => void) {
  for (;;) {
    const left = await receiver.peekMessages(100);
    if (left.length === 0) return;
    const numbers = left.map(({ sequenceNumber }) => sequenceNumber as NonNullable<typeof sequenceNumber>);
    for (const { messageId, sequenceNumber, deliveryCount } of await receiver.receiveDeferredMessages(numbers)) {
      each(String(messageId), sequenceNumber?.toNumber() ?? 0, deliveryCount ?? 0);
    }
  }
}

/** Empties the queue of orders and its dead letters, and tells the ledger what was where. */
export async function closeOrders(connectionString: string, orders: Ledger): Promise<void> {
  const client = new ServiceBusClient(connectionString);
  const found = new Map<string, Place[]>();
  const put = (id: string, place: Place) => void found.set(id, [...(found.get(id) ?? []), place]);
  const receiveMode = 'receiveAndDelete';
  const receiver = client.createReceiver(ORDERS, { receiveMode });
  await takeAll(receiver, (id, sequence, count) => {
    orders.delivered(id, sequence, count);
    put(id, 'queue');
  });
  await takeDeferred(receiver, (id, sequence, count) => {
    orders.delivered(id, sequence, count, 'deferred');
    put(id, 'deferred');
  });
  await takeAll(client.createReceiver(ORDERS, { receiveMode, subQueueType: 'deadLetter' }), (id) =>
    put(id, 'dead letters'),
  );
  await client.close();
  orders.close(found);
}

export interface ReadEvent {
  readonly sequence: number;
  readonly body: unknown;
}

/** A whole partition, event by event, in the order in which it comes. */
export async function scanPartition(
  connectionString: string,
  partitionId: string,
  each: (event: ReadEvent) => void,
): Promise<void> {
  const consumer = new EventHubConsumerClient('$Default', connectionString, HUB);
  const { lastEnqueuedSequenceNumber: last, isEmpty } = await consumer.getPartitionProperties(partitionId);
  if (!isEmpty) {
    await new Promise<void>((resolve, reject) => {
      const subscription = consumer.subscribe(
        partitionId,
        {
          processEvents: async (events) => {
            for (const { sequenceNumber, body } of events) each({ sequence: sequenceNumber, body });
            if (events.at(-1)?.sequenceNumber === last) await subscription.close().then(resolve);
          },
          processError: async (error) => reject(error),
        },
        { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 1, maxBatchSize: 500 },
      );
    });
  }
  await consumer.close();
}

export async function readPartition(connectionString: string, partitionId: string): Promise<ReadEvent[]> {
  const found: ReadEvent[] = [];
  await scanPartition(connectionString, partitionId, (event) => found.push(event));
  return found;
}
