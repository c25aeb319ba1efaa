import { readPack } from '../../shared/pack.js';
import type { EventHistory, ReplayBounds } from './history.js';

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
 * Writes the events of a hub as NDJSON: partition by partition, each in the order of its sequence numbers. One batch is
 * in memory at a time; the next is read when the last is written.
 */
export async function replay(
  history: EventHistory,
  bounds: ReplayBounds,
  write: WriteLines,
  onProgress: (progress: ReplayProgress) => void = () => {},
): Promise<ReplaySummary> {
  const totals = { hubEvents: 0, events: 0, unreadable: 0 };
  const partitions = await history.partitions();
  for (const partitionId of partitions) {
    const counts = { hubEvents: 0, events: 0 };
    for await (const batch of history.read(partitionId, bounds)) {
      for (const { body } of batch) {
        const lines = linesOf(body);
        counts.hubEvents++;
        if (lines === undefined) totals.unreadable++;
        else if (lines.length > 0) {
          counts.events += lines.length;
          await write(`${lines.join('\n')}\n`);
        }
      }
      onProgress({ partitionId, ...counts });
    }
    totals.hubEvents += counts.hubEvents;
    totals.events += counts.events;
  }
  return { partitions: partitions.length, ...totals };
}

/** One line for each event of a pack. */
function linesOf(body: Uint8Array): string[] | undefined {
  try {
    return readPack(body)?.map((event) => JSON.stringify(event));
  } catch {
    // What is nested a thousand times can be read, and not always written.
    return undefined;
  }
}
