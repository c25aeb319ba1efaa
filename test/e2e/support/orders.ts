import { ServiceBusClient } from '@azure/service-bus';
import Long from 'long';

/** The message ids of all orders that a subscriber finds, in the order in which it takes them. */
export async function takeOrders(connectionString: string): Promise<unknown[]> {
  const client = new ServiceBusClient(connectionString);
  const receiver = client.createReceiver('events', 'analytics-forwarder', { receiveMode: 'receiveAndDelete' });
  const ids: unknown[] = [];
  while ((await receiver.peekMessages(1, { fromSequenceNumber: Long.ONE })).length > 0) {
    const messages = await receiver.receiveMessages(100, { maxWaitTimeInMs: 3_000 });
    ids.push(...messages.map(({ messageId }) => messageId));
  }
  await client.close();
  return ids;
}
