import type { HubReader, PartitionEvent, PartitionFacts } from '../../messaging/index.js';

export interface ReplayBounds {
  /** Enqueued at or after; 0 for everything that is there. */
  readonly fromMs: number;
  /** Enqueued before; Infinity for everything that was there when the replay began. */
  readonly toMs: number;
}

/** The events that a hub has had, wherever they are read from. */
export interface EventHistory {
  partitions(): Promise<readonly string[]>;
  /** The events of a partition within the bounds, in the order of their sequence numbers. It ends. */
  read(partitionId: string, bounds: ReplayBounds): AsyncIterable<readonly PartitionEvent[]>;
}

/** What the hub itself retains, as of the first question. The next batch is read when it is asked for. */
export function hubHistory(reader: HubReader): EventHistory {
  let facts: Promise<ReadonlyMap<string, PartitionFacts>> | undefined;
  const partitions = () => {
    facts ??= reader.partitions().then((all) => new Map(all.map((one) => [one.partitionId, one])));
    return facts;
  };
  return {
    partitions: async () => [...(await partitions()).keys()],
    async *read(partitionId, { fromMs, toMs }) {
      const { empty, lastEnqueuedAtMs, lastSequenceNumber } = (await partitions()).get(partitionId) as PartitionFacts;
      if (empty || lastEnqueuedAtMs < fromMs) return;
      for await (const batch of reader.read(partitionId, fromMs)) {
        const wanted = batch.filter(
          ({ sequenceNumber, enqueuedAtMs }) => sequenceNumber <= lastSequenceNumber && enqueuedAtMs < toMs,
        );
        yield wanted;
        if (wanted.length < batch.length || (batch.at(-1)?.sequenceNumber ?? 0) >= lastSequenceNumber) return;
      }
    },
  };
}
