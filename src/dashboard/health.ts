import type { FastifyInstance } from 'fastify';
import type { Clock } from '../shared/clock.js';
import type { LiveSource } from '../shared/live.js';
import { readLiveness, readReadiness } from './operations.js';
import { withTimeout } from './with-timeout.js';

const READY_TIMEOUT_MS = 2_000;

/** `/livez`: the process answers. `/readyz`: the live figures can be read, tried anew with each request. */
export function health(app: FastifyInstance, source: LiveSource, clock: Clock): void {
  app.get('/livez', { config: { public: true, operation: readLiveness } }, async () => ({ status: 'live' }));
  app.get('/readyz', { config: { public: true, operation: readReadiness } }, async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    try {
      await withTimeout(source.read(), READY_TIMEOUT_MS, clock);
      return { status: 'ready', parts: { liveFigures: 'ready' } };
    } catch {
      return reply.code(503).send({ status: 'unavailable', parts: { liveFigures: 'unavailable' } });
    }
  });
}
