import type { PartitionHealth } from '../../shared/partition-health.js';

/** A part of the system in one line. */
export interface SystemPart {
  readonly name: string;
  readonly state: 'good' | 'warn' | 'bad';
  readonly text: string;
}

/** They are in Redis, which is away or refuses. */
export const FIGURES_AWAY: SystemPart = { name: 'Redis', state: 'bad', text: 'the figures cannot be read' };

interface Partition extends Pick<PartitionHealth, 'stopped' | 'unsaved' | 'appliedAt'> {
  readonly partition: string;
  readonly lag: number | null;
}

/** A reader with events before it writes several times a second, and moves to another process in less than this. */
const STANDS_STILL_MS = 60_000;
const MINUTE_MS = 60_000;

/** A partition of which nothing is read any more, by its own fault or for another reason, or whose state is not saved. */
export function partitionTroubles(partitions: readonly Partition[], nowMs: number): SystemPart[] {
  return partitions.flatMap((partition): SystemPart[] => {
    const name = `Partition ${partition.partition}`;
    const still = whyStill(partition, nowMs);
    const { unsaved } = partition;
    return [
      ...(still === undefined ? [] : [{ name, state: 'bad', text: still } as const]),
      ...(unsaved === null ? [] : [{ name, state: 'warn', text: `its state is not saved: ${unsaved}` } as const]),
    ];
  });
}

function whyStill({ lag, stopped, appliedAt }: Partition, nowMs: number): string | undefined {
  if (stopped !== null) return `its reader stops at an error: ${stopped}`;
  const stillMs = nowMs - Date.parse(appliedAt);
  if (lag === null || lag === 0 || stillMs < STANDS_STILL_MS) return undefined;
  return `not read for ${Math.floor(stillMs / MINUTE_MS)} min: the log of the aggregators says why`;
}

/** Partitions that have events, and no reader that has told of itself: none has opened them since Redis was emptied, say. */
export function untoldPartitions(
  newest: ReadonlyMap<string, number>,
  told: ReadonlyMap<string, unknown>,
): SystemPart[] {
  return [...newest].flatMap(([partition, last]): SystemPart[] => {
    if (last < 0 || told.has(partition)) return [];
    return [{ name: `Partition ${partition}`, state: 'warn', text: 'no reader has told of it yet' }];
  });
}

/** Metrics whose code throws. They are named in the totals: `failed:<metric>`. */
export function metricTroubles(totals: Readonly<Record<string, number>>): SystemPart[] {
  return Object.entries(totals).flatMap(([name, count]): SystemPart[] => {
    const metric = /^failed:(.+)$/.exec(name)?.[1];
    if (metric === undefined || count === 0) return [];
    const events = count === 1 ? '1 event' : `${count} events`;
    return [{ name: `Metric ${metric}`, state: 'warn', text: `${events} left out: its code throws` }];
  });
}
