import type { Clock } from '../../shared/clock.js';

export interface BreakerOptions {
  /** A broker is never slow before this. */
  readonly minMs: number;
  /** Nor later than this. */
  readonly maxMs: number;
}

/** How many times longer than usual a batch may take. */
const FACTOR = 20;
/** What the newest batch weighs against all before it. */
const WEIGHT = 0.05;

/**
 * Tells when a broker is slow: measured against itself, since a broker across the network is always slower than one on
 * this machine. The usual time is a moving average of what batches took that the broker settled.
 */
export function createBreaker(clock: Clock, { minMs, maxMs }: BreakerOptions) {
  let usualMs: number | undefined;
  return {
    settled(sinceMs: number): void {
      const tookMs = clock.now() - sinceMs;
      usualMs = usualMs === undefined ? tookMs : usualMs + WEIGHT * (tookMs - usualMs);
    },
    /** A batch that is out for longer is taken for stuck. */
    patienceMs: (): number => Math.min(maxMs, Math.max(minMs, FACTOR * (usualMs ?? 0))),
  };
}
