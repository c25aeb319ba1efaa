/**
 * The lateness watermark of one partition: the newest event time seen in it. It depends on the partition's data alone,
 * never on a wall clock, so a replay judges every event as the first reading did.
 */
export interface Watermark {
  /** Newest event time so far; -Infinity before the first event. */
  readonly timeMs: number;
  /** Takes note of an event's time. Returns false when the event is later than the allowed lateness. */
  observe(timeMs: number): boolean;
  /** Start of the oldest pane of `paneMs` that may still change. */
  horizonMs(paneMs: number): number;
}

export function createWatermark(allowedLatenessMs: number, startMs = Number.NEGATIVE_INFINITY): Watermark {
  let watermarkMs = startMs;
  return {
    get timeMs() {
      return watermarkMs;
    },
    observe(timeMs) {
      if (timeMs > watermarkMs) watermarkMs = timeMs;
      return timeMs >= watermarkMs - allowedLatenessMs;
    },
    horizonMs: (paneMs) => Math.floor((watermarkMs - allowedLatenessMs) / paneMs) * paneMs,
  };
}
