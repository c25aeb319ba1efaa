import { type MetricDescription, shownPanes } from '../../shared/live-catalogue.js';
import { PANE_RETENTION_MS, SESSION_GAP_MS } from '../../shared/live-keys.js';

/** Up to where the figures of a partition are settled. It follows the watermark, and decides what is kept. */
export interface Horizon {
  /** Start of the oldest pane that an event may still be counted in; -Infinity before the first event. */
  readonly ms: number;
  /** Sessions that go on may change panes long before the horizon, but none that nobody can read any more. */
  readonly oldestReadableMs: number;
  /** Returns false when it is there, or beyond, already. */
  moveTo(ms: number): boolean;
  /**
   * Start of the oldest pane that is kept: one that may still change, or that the live figures show, so that a Redis
   * that comes back empty can be filled again.
   */
  keptFromMs(description: MetricDescription): number;
}

export function createHorizon(allowedLatenessMs: number): Horizon {
  let horizonMs = Number.NEGATIVE_INFINITY;
  return {
    get ms() {
      return horizonMs;
    },
    get oldestReadableMs() {
      return horizonMs - PANE_RETENTION_MS;
    },
    moveTo(ms) {
      if (ms <= horizonMs) return false;
      horizonMs = ms;
      return true;
    },
    keptFromMs(description) {
      const shownMs = Math.max(shownPanes(description) * description.paneMs, SESSION_GAP_MS);
      const fromMs = Math.min(horizonMs, horizonMs + allowedLatenessMs - shownMs);
      return Math.floor(fromMs / description.paneMs) * description.paneMs;
    },
  };
}
