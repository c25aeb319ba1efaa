import type { Clock } from '../../shared/clock.js';

/** Timers of the machine are bounded, and its clock may be set: so it is looked again at least this often. */
const MAX_TIMER_MS = 60_000;

/** One timer for the earliest of many moments. */
export interface Alarm {
  /** Rings at `atMs`, or sooner; whoever hears it looks what is due, and sets it anew. Not at all for Infinity. */
  set(atMs: number): void;
  stop(): void;
}

export function createAlarm(clock: Clock, ring: () => void): Alarm {
  let timer: { readonly atMs: number; readonly cancel: () => void } | undefined;
  let stopped = false;
  return {
    set(atMs) {
      if (stopped || atMs === Number.POSITIVE_INFINITY || (timer !== undefined && timer.atMs <= atMs)) return;
      timer?.cancel();
      const onTimer = () => {
        timer = undefined;
        ring();
      };
      timer = { atMs, cancel: clock.setTimer(onTimer, Math.min(Math.max(atMs - clock.now(), 0), MAX_TIMER_MS)) };
    },
    stop() {
      stopped = true;
      timer?.cancel();
      timer = undefined;
    },
  };
}
