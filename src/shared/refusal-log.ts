import type { Clock } from './clock.js';
import type { Logger } from './logger.js';

const QUIET_MS = 60_000;

/** Tells the log that connections are refused, since there are `most` already: of a flood of them once a minute. */
export function createRefusalLog(clock: Pick<Clock, 'now'>, logger: Pick<Logger, 'warn'>, most: number): () => void {
  let toldAtMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = clock.now();
    if (Math.abs(nowMs - toldAtMs) < QUIET_MS) return;
    toldAtMs = nowMs;
    logger.warn({ connections: most }, 'as many connections are open as may be: those that come are closed at once');
  };
}
