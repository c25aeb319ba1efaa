import type { FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { LiveFigures } from '../shared/live.js';
import type { PartitionHealth } from '../shared/partition-health.js';
import type { LiveFeed } from './live-feed.js';
import { liveGauges } from './live-gauges.js';
import type { FeedMessage } from './live-history.js';
import { readMetrics } from './operations.js';
import { partitionGauges } from './partition-gauges.js';
import { totalCounters } from './total-counters.js';

export interface DashboardMetrics {
  readonly countMessage: (kind: FeedMessage['kind']) => void;
  readonly countReadError: () => void;
  readonly countRefused: () => void;
  readonly countCut: () => void;
}

interface MetricsDeps {
  readonly viewersOf: () => LiveFeed['viewers'];
  readonly readFigures: () => Promise<LiveFigures>;
  readonly readHealth: () => Promise<ReadonlyMap<string, PartitionHealth>>;
  /** Undefined where nobody knows. */
  readonly readTotals: () => Promise<Readonly<Record<string, number>> | undefined>;
}

/**
 * `GET /metrics`, in Prometheus' text format: this process, what the live stream does, and the live figures, what became
 * of the events and how far the readers of the partitions are, which are left out while they cannot be read.
 */
export function metrics(app: FastifyInstance, deps: MetricsDeps): DashboardMetrics {
  const { viewersOf, readFigures, readHealth, readTotals } = deps;
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
  const refused = new Counter({
    name: 'penstock_dashboard_connections_refused_total',
    help: 'Connections that were closed as they came, since as many were open as may be.',
    registers: [registry],
  });
  const cut = new Counter({
    name: 'penstock_dashboard_connections_cut_total',
    help: 'Connections that were cut, since more requests had come on them than may wait for their answers.',
    registers: [registry],
  });
  app.get('/metrics', { config: { operation: readMetrics } }, async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    const unreadable = () => {
      readErrors.inc();
      return '';
    };
    const live = readFigures().then(liveGauges, unreadable);
    const partitions = readHealth().then(partitionGauges, unreadable);
    const totals = readTotals().then((found) => found && totalCounters(found), unreadable);
    const text = [...(await Promise.all([live, totals, partitions])), await registry.metrics()].join('');
    return reply.type(registry.contentType).send(text);
  });
  app.addHook('onClose', async () => registry.clear());
  return {
    countMessage: (kind) => messages.inc({ kind }),
    countReadError: () => readErrors.inc(),
    countRefused: () => refused.inc(),
    countCut: () => cut.inc(),
  };
}
