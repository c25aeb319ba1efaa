import type { Clock } from '../../shared/clock.js';

const WINDOW_MS = 1000;
const MAX_RETRY_AFTER_S = 60;

/** Bounds the bytes that wait for the brokers, all together, and knows how fast they drain. */
export function createBudget(clock: Clock, limitBytes: number) {
  let pendingBytes = 0;
  let windowStartMs = clock.now();
  let drainedBytes = 0;
  let bytesPerSecond = 0;

  /** Bytes drained since the window began, per second, once the window is full; before that the last window's figure. */
  const rollWindow = () => {
    const elapsedMs = clock.now() - windowStartMs;
    if (elapsedMs < WINDOW_MS) return;
    bytesPerSecond = (drainedBytes * 1000) / elapsedMs;
    drainedBytes = 0;
    windowStartMs = clock.now();
  };

  return {
    /** Takes the bytes of a request. One request alone always fits: it could never be sent otherwise. */
    reserve(bytes: number): boolean {
      if (pendingBytes > 0 && pendingBytes + bytes > limitBytes) return false;
      pendingBytes += bytes;
      return true;
    },
    release(bytes: number) {
      rollWindow();
      pendingBytes -= bytes;
      drainedBytes += bytes;
    },
    pendingBytes: () => pendingBytes,
    /** Seconds until what waits now will have drained, by the rate of the last second. */
    retryAfterSeconds(): number {
      rollWindow();
      const rate = Math.max(bytesPerSecond, 1);
      return Math.min(MAX_RETRY_AFTER_S, Math.max(1, Math.ceil(pendingBytes / rate)));
    },
  };
}

export type Budget = ReturnType<typeof createBudget>;
