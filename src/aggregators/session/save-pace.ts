import { backoffMs } from '../../shared/backoff.js';
import { RETRY_MS } from './showing.js';

export interface SavePaceOptions {
  /** The state is saved this often at the most. A save that failed is tried again sooner, and later each time. */
  readonly snapshotIntervalMs: number;
  /** Share of the time that saving may take: after a long save the next one waits accordingly. */
  readonly snapshotShare: number;
}

/** How long it is from one save to the next. */
export interface SavePace {
  /** After one that took so long. */
  saved(tookMs: number): number;
  /** After one that failed, whatever it took: to wait for a store that hangs is no work. */
  failed(): number;
  /** The longest that either says. */
  readonly longestMs: number;
}

/** Of saves that take long, the longest time between two, in intervals. */
const MAX_INTERVALS = 10;

export function createSavePace({ snapshotIntervalMs, snapshotShare }: SavePaceOptions, random: () => number): SavePace {
  // Not without bound: what comes until the next save is read again by a new owner.
  const longestMs = MAX_INTERVALS * snapshotIntervalMs;
  let restMs = snapshotIntervalMs;
  let failures = 0;
  return {
    saved(tookMs) {
      failures = 0;
      restMs = Math.max(snapshotIntervalMs, Math.min(tookMs / snapshotShare, longestMs));
      return restMs;
    },
    failed: () => backoffMs(failures++, { firstDelayMs: RETRY_MS, maxDelayMs: restMs }, random),
    longestMs,
  };
}
