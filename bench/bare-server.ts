import Fastify from 'fastify';

/** The baseline: Fastify that parses the body and answers, and does nothing else. */
const app = Fastify();
app.post('/v1/events', async () => ({ results: [{ id: '0197-0000', outcome: 'accepted', durability: 'none' }] }));
const url = await app.listen({ host: '127.0.0.1', port: 0 });
process.once('SIGTERM', () => void app.close().then(() => process.exit(0)));
process.send?.({ type: 'ready', facts: { url } });
