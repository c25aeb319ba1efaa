import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { MessageCounts } from '../namespace/index.js';
import type { CommittedBatch } from '../store/index.js';
import type { BrokerStatus, QueueStatus } from './snapshot.js';

/** More entities than these are shown as one, `(others)`: a series for each would be too much for who scrapes. */
const MAX_LABELLED = 500;
const OTHERS = '(others)';

export interface BrokerMetrics {
  /** One batch of writes is on disk: of messages and all else, or of events of one partition. */
  committed(store: 'messages' | 'events', batch: CommittedBatch): void;
  /** A connection was closed as it came: there were as many as there may be. */
  connectionRefused(): void;
  /** A connection was cut: more requests had come on it than may wait for their answers. */
  connectionCut(): void;
  /** Prometheus' text format, of `status` and of what was committed so far. */
  render(status: BrokerStatus): Promise<string>;
  readonly contentType: string;
  stop(): void;
}

const STATES = {
  active: 'active',
  deferred: 'deferred',
  scheduled: 'scheduled',
  deadLetter: 'dead_letter',
  transfer: 'transfer',
  transferDeadLetter: 'transfer_dead_letter',
} as const satisfies Record<keyof MessageCounts, string>;

interface Named {
  readonly entity: string;
  readonly status: QueueStatus;
}

/** Queues and subscriptions by the path that clients know them by. */
const holders = ({ queues, topics }: BrokerStatus): Named[] => [
  ...queues.map((status) => ({ entity: status.name, status })),
  ...topics.flatMap(({ name, subscriptions }) =>
    subscriptions.map((status) => ({ entity: `${name}/Subscriptions/${status.name}`, status })),
  ),
];

const labelOf = (entity: string, index: number) => (index < MAX_LABELLED ? entity : OTHERS);

export function createMetrics(): BrokerMetrics {
  const registry = new Registry();
  const registers = [registry];
  const prefix = 'penstock_broker_';
  collectDefaultMetrics({ register: registry });

  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Gauge({ name: `${prefix}${name}`, help, labelNames: [...labelNames], registers });
  const total = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Counter({ name: `${prefix}${name}_total`, help, labelNames: [...labelNames], registers });

  const connections = gauge('connections', 'AMQP connections now.');
  const connectionsRefused = total(
    'connections_refused',
    'Connections that were closed as they came, since as many were open as may be.',
  );
  const connectionsCut = total(
    'connections_cut',
    'Connections that were cut, since more requests had come on them than may wait for their answers.',
  );
  const links = gauge('links', 'AMQP links now.');
  const pending = gauge('pending_bytes', 'Bytes that wait for the disk.');
  const diskLow = gauge('disk_low', '1 while the disk is nearly full and what is sent is refused.');
  const messages = gauge('messages', 'Messages by entity and state; locked ones are active.', ['entity', 'state']);
  const size = gauge('entity_size_bytes', 'Bytes of the messages of an entity.', ['entity']);
  const messagesIn = total('messages_in', 'Messages that came in, since the entity was made.', ['entity']);
  const messagesOut = total('messages_out', 'Messages that left for good, since the entity was made.', ['entity']);
  const place = ['hub', 'partition'] as const;
  const lastSequence = gauge('hub_last_sequence_number', 'Newest event of a partition; -1: none.', place);
  const firstSequence = gauge('hub_first_sequence_number', 'Oldest event of a partition that is kept.', place);
  const lastEnqueued = gauge('hub_last_enqueued_timestamp_seconds', 'When the newest event came.', place);
  const readers = gauge('hub_readers', 'Receivers of a partition now.', [...place, 'consumer_group']);
  const lag = gauge('hub_reader_lag', 'Events not sent to the receiver that is furthest behind.', [
    ...place,
    'consumer_group',
  ]);
  const commitSeconds = new Histogram({
    name: `${prefix}commit_seconds`,
    help: 'How long one batch of writes took, with its fsync.',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    labelNames: ['store'],
    registers,
  });
  const commitCallers = new Histogram({
    name: `${prefix}commit_callers`,
    help: 'How many operations shared one fsync.',
    buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500],
    labelNames: ['store'],
    registers,
  });
  const commitBytes = new Histogram({
    name: `${prefix}commit_bytes`,
    help: 'Bytes of one batch of writes.',
    buckets: [256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216],
    labelNames: ['store'],
    registers,
  });

  function setHolders(status: BrokerStatus): void {
    for (const metric of [messages, size, messagesIn, messagesOut]) metric.reset();
    for (const [index, { entity: path, status: one }] of holders(status).entries()) {
      const entity = labelOf(path, index);
      for (const [key, state] of Object.entries(STATES)) {
        messages.inc({ entity, state }, one.counts[key as keyof MessageCounts]);
      }
      size.inc({ entity }, one.sizeBytes);
      messagesIn.inc({ entity }, one.messagesIn);
      messagesOut.inc({ entity }, one.messagesOut);
    }
  }

  function setTopics({ topics }: BrokerStatus): void {
    for (const { name: entity, scheduled } of topics.slice(0, MAX_LABELLED)) {
      messages.set({ entity, state: STATES.scheduled }, scheduled);
    }
  }

  function setHubs(status: BrokerStatus): void {
    for (const metric of [lastSequence, firstSequence, lastEnqueued, readers, lag]) metric.reset();
    for (const { name: hub, partitions } of status.hubs.slice(0, MAX_LABELLED)) {
      for (const one of partitions) {
        const labels = { hub, partition: one.id };
        lastSequence.set(labels, one.lastSequence);
        firstSequence.set(labels, one.firstSequence);
        if (one.lastEnqueuedAt !== null) lastEnqueued.set(labels, Date.parse(one.lastEnqueuedAt) / 1000);
        const behind = new Map<string, number>();
        for (const { consumerGroup, lag: events = 0 } of one.readers) {
          readers.inc({ ...labels, consumer_group: consumerGroup });
          behind.set(consumerGroup, Math.max(events, behind.get(consumerGroup) ?? 0));
        }
        for (const [group, events] of behind) lag.set({ ...labels, consumer_group: group }, events);
      }
    }
  }

  return {
    committed(store, { durationMs, callers, bytes }) {
      commitSeconds.observe({ store }, durationMs / 1000);
      commitCallers.observe({ store }, callers);
      commitBytes.observe({ store }, bytes);
    },
    connectionRefused: () => connectionsRefused.inc(),
    connectionCut: () => connectionsCut.inc(),
    async render(status) {
      connections.set(status.connections);
      links.set(status.links);
      pending.set(status.pendingBytes);
      diskLow.set(status.isDiskLow ? 1 : 0);
      setHolders(status);
      setTopics(status);
      setHubs(status);
      return registry.metrics();
    },
    contentType: registry.contentType,
    stop: () => registry.clear(),
  };
}
