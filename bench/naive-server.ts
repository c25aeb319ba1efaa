import { randomUUID } from 'node:crypto';
import { ServiceBusClient } from '@azure/service-bus';
import Fastify, { type FastifyRequest } from 'fastify';

/** What one writes first: each request awaits one send of the Service Bus SDK. */
const client = new ServiceBusClient(process.env['PENSTOCK_SERVICEBUS_CONNECTION_STRING'] ?? '');
const sender = client.createSender('events');
const app = Fastify();
type Purchase = { type?: string; properties?: { transaction_id?: string } };
app.post('/v1/events', async ({ body }: FastifyRequest<{ Body: Purchase }>) => {
  const id = body.properties?.transaction_id ?? randomUUID();
  await sender.sendMessages({ body, messageId: id, applicationProperties: { type: body.type ?? '' } });
  return { results: [{ id, outcome: 'accepted', durability: 'broker' }] };
});
const url = await app.listen({ host: '127.0.0.1', port: 0 });
process.once('SIGTERM', () => void Promise.all([app.close(), client.close()]).then(() => process.exit(0)));
process.send?.({ type: 'ready', facts: { url } });
