import type { Clock } from './clock.js';
import type { Logger } from './logger.js';
import { defaultPipeliningLimits } from './pipelining.js';

const QUIET_MS = 60_000;

/** Of a flood it tells once a minute. */
function onceAMinute(clock: Pick<Clock, 'now'>, tell: () => void): () => void {
  let toldAtMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = clock.now();
    if (Math.abs(nowMs - toldAtMs) < QUIET_MS) return;
    toldAtMs = nowMs;
    tell();
  };
}

/** Tells the log that connections are refused, since there are `most` already: of a flood of them once a minute. */
export function createRefusalLog(clock: Pick<Clock, 'now'>, logger: Pick<Logger, 'warn'>, most: number): () => void {
  return onceAMinute(clock, () =>
    logger.warn({ connections: most }, 'as many connections are open as may be: those that come are closed at once'),
  );
}

/** Tells the log that connections are cut, which had sent too many requests ahead: of a flood of them once a minute. */
export function createCutLog(clock: Pick<Clock, 'now'>, logger: Pick<Logger, 'warn'>): () => void {
  return onceAMinute(clock, () =>
    logger.warn(
      defaultPipeliningLimits,
      'a client sent more requests ahead of their answers than may wait, and is cut',
    ),
  );
}
