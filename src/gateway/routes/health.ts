import type { FastifyInstance } from 'fastify';
import { comesFromThisMachine } from '../client.js';
import type { Sink } from '../publish/sink.js';

/**
 * `GET /livez`: the process answers. `GET /readyz`: 200 while every sink takes events, in its broker or on disk, else 503,
 * with the state of each: `{"status":"ready","sinks":{"hub:clicks":{"state":"up","since":"…","spool":{"records":0,…}}}}`.
 */
export function addHealthRoutes(app: FastifyInstance, sinks: readonly Sink[]): void {
  app.get('/livez', (_request, reply) => reply.header('cache-control', 'no-store').send({ status: 'alive' }));
  app.get('/readyz', (request, reply) => {
    const here = comesFromThisMachine(request.raw);
    const reports = sinks.map((sink) => {
      const { lastError, ...report } = sink.report();
      // An error names addresses inside; the world is told the state alone.
      return [sink.name, here && lastError !== undefined ? { ...report, lastError } : report] as const;
    });
    const ready = sinks.every((sink) => sink.isReady());
    return reply
      .code(ready ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({ status: ready ? 'ready' : 'unavailable', sinks: Object.fromEntries(reports) });
  });
}
