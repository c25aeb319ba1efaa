import type { Clock } from '../../src/shared/clock.js';

interface Timer {
  readonly dueAtMs: number;
  readonly order: number;
  readonly callback: () => void;
}

export interface ManualClock extends Clock {
  /** Moves time forward and runs every timer that falls due, in order of due time. */
  advance(ms: number): void;
  /** Sets the time of day, as an operator does, or NTP: timers go on as they were. */
  jump(ms: number): void;
  /** How many timers are waiting. */
  readonly pending: number;
}

/** Virtual time: starts at `startMs` and moves only when the test says so. */
export function createManualClock(startMs = Date.UTC(2026, 0, 1)): ManualClock {
  let nowMs = startMs;
  let jumpedMs = 0;
  let order = 0;
  const timers = new Set<Timer>();
  const nextDue = (untilMs: number): Timer | undefined => {
    let best: Timer | undefined;
    for (const timer of timers) {
      if (timer.dueAtMs > untilMs) continue;
      if (!best || timer.dueAtMs < best.dueAtMs || (timer.dueAtMs === best.dueAtMs && timer.order < best.order)) {
        best = timer;
      }
    }
    return best;
  };
  return {
    now: () => nowMs + jumpedMs,
    jump(ms) {
      jumpedMs += ms;
    },
    setTimer(callback, delayMs) {
      const timer = { dueAtMs: nowMs + Math.max(0, delayMs), order: order++, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    advance(ms) {
      const untilMs = nowMs + ms;
      for (let timer = nextDue(untilMs); timer; timer = nextDue(untilMs)) {
        timers.delete(timer);
        nowMs = Math.max(nowMs, timer.dueAtMs);
        timer.callback();
      }
      nowMs = untilMs;
    },
    get pending() {
      return timers.size;
    },
  };
}
