import type { PartitionHealth } from '../../shared/partition-health.js';

/** A part of the system in one line. */
export interface SystemPart {
  readonly name: string;
  readonly state: 'good' | 'warn' | 'bad';
  readonly text: string;
}

/** They are in Redis, which is away or refuses. */
export const FIGURES_AWAY: SystemPart = { name: 'Redis', state: 'bad', text: 'the figures cannot be read' };

interface Partition extends Pick<PartitionHealth, 'stopped' | 'appliedAt'> {
  readonly partition: string;
  readonly lag: number | null;
}

/** A reader with events before it writes several times a second, and moves to another process in less than this. */
const STANDS_STILL_MS = 60_000;
const MINUTE_MS = 60_000;

/** A partition of which nothing is read any more, by its own fault or for another reason. */
export function partitionTroubles(partitions: readonly Partition[], nowMs: number): SystemPart[] {
  return partitions.flatMap(({ partition, lag, stopped, appliedAt }): SystemPart[] => {
    const name = `Partition ${partition}`;
    if (stopped !== null) return [{ name, state: 'bad', text: `its reader stops at an error: ${stopped}` }];
    const stillMs = nowMs - Date.parse(appliedAt);
    if (lag === null || lag === 0 || stillMs < STANDS_STILL_MS) return [];
    return [{ name, state: 'bad', text: `not read for ${Math.floor(stillMs / MINUTE_MS)} min` }];
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
