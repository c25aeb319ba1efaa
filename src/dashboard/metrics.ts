import type { FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { LiveFeed } from './live-feed.js';
import type { FeedMessage } from './live-history.js';

export interface DashboardMetrics {
  readonly countMessage: (kind: FeedMessage['kind']) => void;
  readonly countReadError: () => void;
}

/** `GET /metrics`, in Prometheus' text format: this process, and what the live stream does. */
export function metrics(app: FastifyInstance, viewersOf: () => LiveFeed['viewers']): DashboardMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'penstock_dashboard_viewers',
    help: 'Viewers of the live stream now.',
    registers: [registry],
    collect() {
      this.set(viewersOf());
    },
  });
  const messages = new Counter({
    name: 'penstock_dashboard_messages_total',
    help: 'Messages sent to viewers, by kind.',
    labelNames: ['kind'],
    registers: [registry],
  });
  const readErrors = new Counter({
    name: 'penstock_dashboard_read_errors_total',
    help: 'Readings of the live figures that failed.',
    registers: [registry],
  });
  app.get('/metrics', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    return reply.type(registry.contentType).send(await registry.metrics());
  });
  app.addHook('onClose', async () => registry.clear());
  return { countMessage: (kind) => messages.inc({ kind }), countReadError: () => readErrors.inc() };
}
