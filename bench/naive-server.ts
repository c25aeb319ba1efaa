import { randomUUID } from 'node:crypto';
import { ServiceBusClient } from '@azure/service-bus';
import Fastify, { type FastifyRequest } from 'fastify';

/**
 * What one writes first: each request awaits one send of the Service Bus SDK. The message has the properties that the
 * gateway gives it, so that the broker routes and stores as much.
 */
const client = new ServiceBusClient(process.env['PENSTOCK_SERVICEBUS_CONNECTION_STRING'] ?? '');
const sender = client.createSender('events');
const app = Fastify();
type Purchase = {
  type?: string;
  userId?: string;
  properties?: { transaction_id?: string; value?: number; currency?: string };
};
app.post('/v1/events', async ({ body }: FastifyRequest<{ Body: Purchase }>) => {
  const { transaction_id, value = 0, currency = '' } = body.properties ?? {};
  const id = `purchase:${transaction_id ?? randomUUID()}`;
  const applicationProperties = { type: body.type ?? '', source: 'bench', currency, value, userId: body.userId ?? '' };
  await sender.sendMessages({ body, messageId: id, contentType: 'application/json', applicationProperties });
  return { results: [{ id, outcome: 'accepted', durability: 'broker' }] };
});
const url = await app.listen({ host: '127.0.0.1', port: 0 });
process.once('SIGTERM', () => void Promise.all([app.close(), client.close()]).then(() => process.exit(0)));
process.send?.({ type: 'ready', facts: { url } });
