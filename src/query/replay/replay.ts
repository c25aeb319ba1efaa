import type { HubReader, PartitionFacts } from '../../messaging/index.js';

export interface ReplayBounds {
  /** Enqueued at or after; 0 for everything that is retained. */
  readonly fromMs: number;
  /** Enqueued before; Infinity for everything that was there when the replay began. */
  readonly toMs: number;
}

export interface ReplayProgress {
  readonly partitionId: string;
  readonly hubEvents: number;
  readonly events: number;
}

export interface ReplaySummary {
  readonly partitions: number;
  readonly hubEvents: number;
  readonly events: number;
  /** Hub events whose body is not JSON; they are left out. */
  readonly unreadable: number;
}

/** Where lines go. Resolves when more may be written. */
export type WriteLines = (text: string) => Promise<void>;

/**
 * Writes the events that a hub retains as NDJSON: partition by partition, each in the order of its sequence numbers.
 * One batch is in memory at a time; the next is read when the last is written.
 */
export async function replay(
  reader: HubReader,
  bounds: ReplayBounds,
  write: WriteLines,
  onProgress: (progress: ReplayProgress) => void = () => {},
): Promise<ReplaySummary> {
  const totals = { hubEvents: 0, events: 0, unreadable: 0 };
  const partitions = await reader.partitions();
  for (const facts of partitions) {
    if (facts.empty || facts.lastEnqueuedAtMs < bounds.fromMs) continue;
    const counts = await replayPartition(reader, facts, bounds, write, onProgress);
    totals.hubEvents += counts.hubEvents;
    totals.events += counts.events;
    totals.unreadable += counts.unreadable;
  }
  return { partitions: partitions.length, ...totals };
}

async function replayPartition(
  reader: HubReader,
  { partitionId, lastSequenceNumber }: PartitionFacts,
  { fromMs, toMs }: ReplayBounds,
  write: WriteLines,
  onProgress: (progress: ReplayProgress) => void,
): Promise<{ hubEvents: number; events: number; unreadable: number }> {
  const counts = { hubEvents: 0, events: 0, unreadable: 0 };
  for await (const batch of reader.read(partitionId, fromMs)) {
    const wanted = batch.filter(
      ({ sequenceNumber, enqueuedAtMs }) => sequenceNumber <= lastSequenceNumber && enqueuedAtMs < toMs,
    );
    for (const { body } of wanted) {
      const lines = linesOf(body);
      counts.hubEvents++;
      if (lines === undefined) counts.unreadable++;
      else if (lines.length > 0) {
        counts.events += lines.length;
        await write(`${lines.join('\n')}\n`);
      }
    }
    onProgress({ partitionId, ...counts });
    if (wanted.length < batch.length || (batch.at(-1)?.sequenceNumber ?? 0) >= lastSequenceNumber) break;
  }
  return counts;
}

/** One line for each event of a pack. */
function linesOf(body: Uint8Array): string[] | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
    return (Array.isArray(value) ? value : [value]).map((event) => JSON.stringify(event));
  } catch {
    return undefined;
  }
}
