import type { FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { LiveFigures } from '../shared/live.js';
import type { LiveFeed } from './live-feed.js';
import { liveGauges } from './live-gauges.js';
import type { FeedMessage } from './live-history.js';
import { readMetrics } from './operations.js';

export interface DashboardMetrics {
  readonly countMessage: (kind: FeedMessage['kind']) => void;
  readonly countReadError: () => void;
}

/**
 * `GET /metrics`, in Prometheus' text format: this process, what the live stream does, and the live figures, which are
 * left out while they cannot be read.
 */
export function metrics(
  app: FastifyInstance,
  viewersOf: () => LiveFeed['viewers'],
  readFigures: () => Promise<LiveFigures>,
): DashboardMetrics {
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
  app.get('/metrics', { config: { operation: readMetrics } }, async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    const live = readFigures().then(liveGauges, () => {
      readErrors.inc();
      return '';
    });
    const text = [await live, await registry.metrics()].join('');
    return reply.type(registry.contentType).send(text);
  });
  app.addHook('onClose', async () => registry.clear());
  return { countMessage: (kind) => messages.inc({ kind }), countReadError: () => readErrors.inc() };
}
