import type { Clock } from '../shared/clock.js';

const WINDOW_MS = 1000;
const MAX_SECONDS = 60;

/** How fast bytes that wait become fewer, by the last second. */
export function createDrainRate(clock: Clock) {
  let windowStartMs = clock.now();
  let drainedBytes = 0;
  /** Undefined when nothing has waited for as long as a window. */
  let bytesPerSecond: number | undefined = 0;

  /** Bytes drained since the window began, per second, once the window is full; before that the last window's figure. */
  const rollWindow = () => {
    const elapsedMs = clock.now() - windowStartMs;
    if (elapsedMs < WINDOW_MS) return;
    bytesPerSecond = (drainedBytes * 1000) / elapsedMs;
    drainedBytes = 0;
    windowStartMs = clock.now();
  };

  return {
    /** Something waits, and nothing did before: how fast that becomes less the time before does not tell. */
    restart(): void {
      windowStartMs = clock.now();
      drainedBytes = 0;
      bytesPerSecond = undefined;
    },
    drained(bytes: number): void {
      rollWindow();
      drainedBytes += bytes;
    },
    /** Seconds until so many bytes will have drained: one at the least, and a minute at the most. */
    secondsFor(bytes: number): number {
      rollWindow();
      if (bytesPerSecond === undefined) return 1;
      return Math.min(MAX_SECONDS, Math.max(1, Math.ceil(bytes / Math.max(bytesPerSecond, 1))));
    },
  };
}

export type DrainRate = ReturnType<typeof createDrainRate>;
