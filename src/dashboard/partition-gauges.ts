import { Gauge, Registry } from 'prom-client';
import type { PartitionHealth } from '../shared/partition-health.js';

type HealthByPartition = ReadonlyMap<string, PartitionHealth>;

const secondsOf = (time: string | null): number | null => (time === null ? null : Date.parse(time) / 1000);

const gauges: readonly {
  readonly name: string;
  readonly help: string;
  /** Null where there is nothing to tell: a sample of 0 would say something else. */
  readonly value: (health: PartitionHealth) => number | null;
}[] = [
  {
    name: 'sequence_number',
    help: 'Sequence number of the last hub event that is in the figures.',
    value: ({ sequenceNumber }) => sequenceNumber,
  },
  {
    name: 'watermark_timestamp_seconds',
    help: 'Newest event time.',
    value: ({ watermark }) => secondsOf(watermark),
  },
  {
    name: 'applied_timestamp_seconds',
    help: 'When the figures were written last.',
    value: ({ appliedAt }) => secondsOf(appliedAt),
  },
  {
    name: 'saved_timestamp_seconds',
    help: 'When the state was saved last by the reader that has the partition.',
    value: ({ savedAt }) => secondsOf(savedAt),
  },
  {
    name: 'offers_waiting',
    help: 'Offers that are not known to be on the topic.',
    value: ({ offersWaiting }) => offersWaiting,
  },
  {
    name: 'offers_given_up',
    help: 'Offers that were given up since the reader has the partition.',
    value: ({ offersGivenUp }) => offersGivenUp,
  },
  {
    name: 'ids_remembered_seconds',
    help: 'How far back every event id is remembered; nothing while none was forgotten.',
    value: ({ idsRememberedMs }) => (idsRememberedMs === null ? null : idsRememberedMs / 1000),
  },
  {
    name: 'stopped',
    help: 'Whether the reader stops at an error of its own code: 1, else 0.',
    value: ({ stopped }) => (stopped === null ? 0 : 1),
  },
];

/** How far the readers of the partitions are, as they tell of themselves, in Prometheus' text format. */
export async function partitionGauges(health: HealthByPartition): Promise<string> {
  const registry = new Registry();
  for (const { name, help, value } of gauges) {
    const samples = [...health].flatMap(([partition, each]) => {
      const at = value(each);
      return at === null || !Number.isFinite(at) ? [] : [[partition, at] as const];
    });
    if (samples.length === 0) continue;
    const family = new Gauge({
      name: `penstock_partition_${name}`,
      help,
      labelNames: ['partition'],
      registers: [registry],
    });
    for (const [partition, at] of samples) family.set({ partition }, at);
  }
  return registry.metrics();
}
