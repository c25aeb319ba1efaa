/**
 * The one place that touches the machine's clock and timers. Everything else takes a `Clock`, so that tests run on
 * virtual time and never sleep.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Runs `callback` once after `delayMs`; the returned function cancels it. */
  setTimer(callback: () => void, delayMs: number): CancelTimer;
}

export type CancelTimer = () => void;

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(callback, delayMs) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** How long it is until `timeMs`, and no more than `mostMs`: a clock that is set back must not stop what waits for it. */
export function msUntil(clock: Pick<Clock, 'now'>, timeMs: number, mostMs: number): number {
  return Math.min(mostMs, Math.max(0, timeMs - clock.now()));
}

/** Resolves after `delayMs`, or at once when `signal` is aborted. Never rejects. */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const done = () => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.setTimer(done, delayMs);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** Calls `task` every `intervalMs`, never overlapping with itself, until the returned function is called. */
export function every(clock: Clock, intervalMs: number, task: () => void | Promise<void>): CancelTimer {
  let stopped = false;
  let cancel: CancelTimer = () => {};
  const schedule = () => {
    if (!stopped) cancel = clock.setTimer(run, intervalMs);
  };
  const run = () => {
    void Promise.resolve(task()).finally(schedule);
  };
  schedule();
  return () => {
    stopped = true;
    cancel();
  };
}
