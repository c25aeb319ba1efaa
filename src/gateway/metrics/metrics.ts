import {
  type Aggregator,
  AggregatorRegistry,
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  type MetricObject,
  Registry,
} from 'prom-client';
import type { Clock } from '../../shared/clock.js';
import type { Sink } from '../publish/sink.js';
import type { RecallReport } from '../recall/index.js';
import { createTally, type Tally } from './tally.js';

export interface GatewayMetrics {
  readonly tally: Tally;
  /** A batch was settled by its broker, or failed. */
  batch(sink: string, tookMs: number, settled: boolean): void;
  /** The events of a request were settled: accepted, on disk or at a broker, or failed. */
  settled(tookMs: number): void;
  /** A visitor of a source sends more than one partition should bear. */
  hotVisitor(source: string): void;
  /** A connection was closed as it came: there were as many as there may be. */
  connectionRefused(): void;
  /** A connection was cut: more requests had come on it than may wait for their answers. */
  connectionCut(): void;
  /** A request was answered. */
  request(status: number): void;
  /** Prometheus' text format. */
  text(): Promise<MetricsText>;
  /** For another process, which may put those of several together. */
  forOthers(): Promise<unknown>;
}

export interface MetricsText {
  readonly contentType: string;
  readonly body: string;
}

export interface MetricsSources {
  readonly sinks: readonly Sink[];
  readonly pendingBytes: () => number;
  readonly recall: () => Pick<RecallReport, 'ids' | 'idsSinceMs'>;
  readonly certificate: { readonly validToMs: number } | undefined;
  readonly clock: Clock;
}

/** From a broker on this machine to one that is about to be taken for away. */
const BATCH_BUCKETS_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Every label is from a closed list or the configuration: nothing that a client sends becomes one. */
export function createGatewayMetrics(): GatewayMetrics & { watch(sources: MetricsSources): void } {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const tally = createTally();
  const statuses = new Map<number, number>();
  const registers = [registry];

  new Counter({
    name: 'penstock_gateway_events_total',
    help: 'Events by what was answered for them; for accepted ones the reason is where they are durable.',
    labelNames: ['outcome', 'reason'],
    registers,
    collect() {
      this.reset();
      for (const [what, count] of tally.counts()) {
        const [outcome = '', reason = ''] = what.split(' ', 2);
        this.inc({ outcome, reason }, count);
      }
    },
  });
  new Counter({
    name: 'penstock_gateway_requests_total',
    help: 'Requests by the status of their answer.',
    labelNames: ['status'],
    registers,
    collect() {
      this.reset();
      for (const [status, count] of statuses) this.inc({ status: String(status) }, count);
    },
  });
  const batches = new Histogram({
    name: 'penstock_gateway_batch_seconds',
    help: 'How long brokers took to settle a batch, or to fail it.',
    labelNames: ['sink', 'result'],
    buckets: BATCH_BUCKETS_SECONDS,
    registers,
  });

  const acknowledged = new Histogram({
    name: 'penstock_gateway_ack_seconds',
    help: 'How long the events of a request took until they were settled and their request could be answered.',
    buckets: BATCH_BUCKETS_SECONDS,
    registers,
  });

  const connectionsRefused = new Counter({
    name: 'penstock_gateway_connections_refused_total',
    help: 'Connections that were closed as they came, since as many were open as may be.',
    registers,
  });

  const connectionsCut = new Counter({
    name: 'penstock_gateway_connections_cut_total',
    help: 'Connections that were cut, since more requests had come on them than may wait for their answers.',
    registers,
  });

  const hotVisitors = new Counter({
    name: 'penstock_gateway_hot_visitors_total',
    help: 'Visitors that were found to send more than one partition should bear.',
    labelNames: ['source'],
    registers,
  });

  return {
    tally,
    settled: (tookMs) => acknowledged.observe(tookMs / 1000),
    connectionRefused: () => connectionsRefused.inc(),
    connectionCut: () => connectionsCut.inc(),
    hotVisitor: (source) => hotVisitors.inc({ source }),
    batch: (sink, tookMs, settled) => batches.observe({ sink, result: settled ? 'settled' : 'failed' }, tookMs / 1000),
    request: (status) => void statuses.set(status, (statuses.get(status) ?? 0) + 1),
    watch: (sources) => addGauges(registers, sources),
    text: () => textOf(registry),
    forOthers: () => registry.getMetricsAsJSON(),
  };
}

const textOf = async (registry: Pick<Registry, 'contentType' | 'metrics'>): Promise<MetricsText> => ({
  contentType: registry.contentType,
  body: await registry.metrics(),
});

/** Those of several processes together: sums, and of states the worst. */
export function mergeMetrics(all: readonly unknown[]): Promise<MetricsText> {
  return textOf(AggregatorRegistry.aggregate(all.filter((metrics) => metrics !== undefined) as MetricObject[][]));
}

const SPOOL_GAUGES = {
  spoolRecords: { name: 'spool_records', help: 'Records on disk for this destination.' },
  spoolBytes: { name: 'spool_bytes', help: 'Bytes on disk for this destination.' },
  spoolAge: {
    name: 'spool_age_seconds',
    help: 'How long the oldest record on disk has been waiting.',
    aggregator: 'max',
  },
} as const;

function addGauges(registers: Registry[], { sinks, pendingBytes, recall, certificate, clock }: MetricsSources): void {
  new Gauge({
    name: 'penstock_gateway_known_ids',
    help: 'Ids of accepted events by which a retry is known.',
    // Each process knows those of the others too.
    aggregator: 'max',
    registers,
    collect() {
      this.set(recall().ids);
    },
  });
  new Gauge({
    name: 'penstock_gateway_known_ids_age_seconds',
    help: 'How long ago the oldest known id was accepted; less than 13 hours under load when there are too many.',
    aggregator: 'max',
    registers,
    collect() {
      const nowMs = clock.now();
      this.set((nowMs - (recall().idsSinceMs ?? nowMs)) / 1000);
    },
  });
  new Gauge({
    name: 'penstock_gateway_pending_bytes',
    help: 'Bytes of events that wait for their brokers in memory.',
    registers,
    collect() {
      this.set(pendingBytes());
    },
  });
  if (certificate !== undefined)
    new Gauge({
      name: 'penstock_gateway_certificate_expiry_timestamp_seconds',
      help: 'When the certificate that new connections are given expires.',
      aggregator: 'min',
      registers,
      collect() {
        this.set(certificate.validToMs / 1000);
      },
    });
  const ofSinks = (
    { name, help, aggregator = 'sum' }: { name: string; help: string; aggregator?: Aggregator },
    value: (sink: Sink) => number | undefined,
  ) =>
    new Gauge({
      name: `penstock_gateway_${name}`,
      help,
      aggregator,
      labelNames: ['sink'],
      registers,
      collect() {
        for (const sink of sinks) {
          const now = value(sink);
          if (now !== undefined) this.set({ sink: sink.name }, now);
        }
      },
    });
  ofSinks(
    { name: 'sink_up', help: '1 while the broker of this destination can be reached.', aggregator: 'min' },
    (sink) => (sink.report().state === 'up' ? 1 : 0),
  );
  const { spoolRecords, spoolBytes, spoolAge } = SPOOL_GAUGES;
  ofSinks(spoolRecords, (sink) => sink.report().spool?.records);
  ofSinks(spoolBytes, (sink) => sink.report().spool?.bytes);
  ofSinks(spoolAge, (sink) => {
    const oldestMs = sink.report().spool?.oldestMs;
    return oldestMs === undefined ? undefined : oldestMs / 1000;
  });
}
