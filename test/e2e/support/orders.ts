import { ServiceBusClient } from '@azure/service-bus';

/** The message ids of all orders that a subscriber finds, in the order in which it takes them. */
export async function takeOrders(connectionString: string): Promise<unknown[]> {
  const client = new ServiceBusClient(connectionString);
  const receiver = client.createReceiver('events', 'analytics-forwarder', { receiveMode: 'receiveAndDelete' });
  const ids: unknown[] = [];
  for (;;) {
    const messages = await receiver.receiveMessages(100, { maxWaitTimeInMs: 3_000 });
    if (messages.length === 0) break;
    ids.push(...messages.map(({ messageId }) => messageId));
  }
  await client.close();
  return ids;
}
