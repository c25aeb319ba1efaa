import { EventHubProducerClient } from '@azure/event-hubs';
import { ServiceBusClient } from '@azure/service-bus';
import rhea from 'rhea';
import { describe, expect, it } from 'vitest';
import { startTestBroker, testTopology } from '../helpers/broker.js';
import { createHubClients, readEvents } from '../helpers/hub-clients.js';

describe('a broker that stops in good order', () => {
  it('tells its clients why, so that they come back', async () => {
    const broker = await startTestBroker();
    const container = rhea.create_container({ id: 'client' });
    const connection = container.connect({ host: '127.0.0.1', port: broker.port, username: 'x', reconnect: false });
    await new Promise((resolve) => container.once('connection_open', resolve));
    const condition = new Promise((resolve) => {
      container.once('connection_error', () => resolve((connection.error as { condition?: string }).condition));
    });
    await broker.remove();
    expect(await condition).toBe('amqp:connection:forced');
  });

  it('is there again on the same port for clients that were connected', async () => {
    const first = await startTestBroker();
    const producer = new EventHubProducerClient(first.connectionString, 'clicks');
    const client = new ServiceBusClient(first.connectionString);
    const sender = client.createSender('events');
    await producer.sendBatch([{ body: 1 }], { partitionId: '0' });
    await sender.sendMessages({ body: 1, messageId: 'a' });
    await first.stop();
    const second = await startTestBroker(testTopology, { dataDir: first.dataDir, port: first.port });
    expect(second.connectionString).toBe(first.connectionString);
    await producer.sendBatch([{ body: 2 }], { partitionId: '0' });
    await sender.sendMessages({ body: 2, messageId: 'b' });
    expect(await producer.getPartitionProperties('0')).toMatchObject({ lastEnqueuedSequenceNumber: 1 });
    // What a client noted of an event before is good for where to go on.
    const clients = createHubClients(second.connectionString);
    const [before] = await readEvents(clients.consumer('clicks'), 1);
    for (const startPosition of [{ offset: before?.offset ?? '' }, { sequenceNumber: before?.sequenceNumber ?? -1 }]) {
      const [next] = await readEvents(clients.consumer('clicks'), 1, { startPosition });
      expect(next).toMatchObject({ body: 2, sequenceNumber: 1 });
    }
    await clients.close();
    await producer.close();
    await client.close();
    await second.remove();
  });
});
