import { ServiceBusClient } from '@azure/service-bus';
import { PARTITIONS } from '../support/broker.js';
import { readPartition } from '../support/inspect.js';
import type { Found, SentEvent } from './ledger.js';
import { SUBSCRIPTION, type System, TOPIC } from './system.js';

const AT_ONCE = 500;

/** Everything that the brokers hold, read past the proxies. */
export async function inspect({ sides }: System): Promise<readonly Found[]> {
  const topic = readOrders(sides.order.connectionString()).then(
    (events): Found => ({ place: 'the topic', kind: 'order', events }),
  );
  return [...(await readViews(sides.view.connectionString())), await topic];
}

export function readViews(connectionString: string): Promise<readonly Found[]> {
  const partitions = PARTITIONS.map(async (partitionId): Promise<Found> => {
    const read = await readPartition(connectionString, partitionId);
    return { place: `partition ${partitionId}`, kind: 'view', events: read.flatMap(({ body }) => eventsOf(body)) };
  });
  return Promise.all(partitions);
}

/**
 * Looks through the subscription without taking anything from it: what is received and deleted is lost when a machine is
 * so busy that it comes after the client stopped waiting.
 */
export async function readOrders(connectionString: string, subscription = SUBSCRIPTION): Promise<Found['events']> {
  const client = new ServiceBusClient(connectionString);
  const receiver = client.createReceiver(TOPIC, subscription);
  const found: Pick<SentEvent, 'id' | 'visitor'>[] = [];
  for (;;) {
    // Each goes on where the one before it ended.
    const messages = await receiver.peekMessages(AT_ONCE);
    if (messages.length === 0) break;
    for (const { body } of messages) found.push(...eventsOf(body));
  }
  await client.close();
  return found;
}

/** A CloudEvent, or a batch of them, as the SDKs give back what the gateway wrote. */
export function eventsOf(body: unknown): Pick<SentEvent, 'id' | 'visitor'>[] {
  const value: unknown = body instanceof Uint8Array ? JSON.parse(Buffer.from(body).toString('utf8')) : body;
  const events = (Array.isArray(value) ? value : [value]) as readonly { id: string; data: { anonymousId: string } }[];
  return events.map(({ id, data }) => ({ id, visitor: data.anonymousId }));
}
