import { type CancelTimer, type Clock, systemClock } from '../../src/shared/clock.js';

export interface PassingClock extends Clock {
  /** So much time more has passed: every timer that it makes due runs in the next turns, in order of due time. */
  pass(ms: number): void;
}

interface Timer {
  readonly dueAtMs: number;
  readonly run: () => void;
  cancel: CancelTimer;
}

/**
 * The machine's time, which a test may move on: a lock or a schedule is long enough for a machine that is busy, and its end
 * need not be waited for.
 */
export function createPassingClock(): PassingClock {
  let aheadMs = 0;
  const timers = new Set<Timer>();
  const now = () => systemClock.now() + aheadMs;
  const armed = ({ dueAtMs, run }: Pick<Timer, 'dueAtMs' | 'run'>) => systemClock.setTimer(run, dueAtMs - now());
  return {
    now,
    setTimer(callback, delayMs) {
      const run = () => {
        timers.delete(timer);
        callback();
      };
      const dueAtMs = now() + delayMs;
      const timer: Timer = { dueAtMs, run, cancel: armed({ dueAtMs, run }) };
      timers.add(timer);
      return () => {
        timers.delete(timer);
        timer.cancel();
      };
    },
    pass(ms) {
      aheadMs += ms;
      for (const timer of [...timers].sort((a, b) => a.dueAtMs - b.dueAtMs)) {
        timer.cancel();
        timer.cancel = armed(timer);
      }
    },
  };
}
