import type { FastifyInstance } from 'fastify';
import { comesFromThisMachine } from '../client.js';
import type { Readiness } from '../readiness.js';
import { getLiveness, getReadiness } from './operations.js';

/**
 * `GET /livez`: the process answers. `GET /readyz`: 200 while every sink takes events, in its broker or on disk, else 503,
 * with the state of each: `{"status":"ready","sinks":{"hub:clicks":{"state":"up","since":"…","spool":{"records":0,…}}}}`.
 */
export function addHealthRoutes(app: FastifyInstance, readiness: () => Promise<Readiness>): void {
  app.get('/livez', { config: { operation: getLiveness } }, (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'alive' }),
  );
  app.get('/readyz', { config: { operation: getReadiness } }, async (request, reply) => {
    const here = comesFromThisMachine(request.raw);
    const { ready, sinks } = await readiness();
    const reports = Object.entries(sinks).map(([name, { lastError, ...report }]) => {
      // An error names addresses inside; the world is told the state alone.
      return [name, here && lastError !== undefined ? { ...report, lastError } : report] as const;
    });
    return reply
      .code(ready ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({ status: ready ? 'ready' : 'unavailable', sinks: Object.fromEntries(reports) });
  });
}
