import type { Clock } from '../../../shared/clock.js';
import type { SessionHold, Sessions } from '../../entities/index.js';
import { createAlarm } from '../alarm.js';

export interface LockEndsDeps {
  readonly clock: Clock;
  readonly sessions: Pick<Sessions, 'ended' | 'nextEndMs' | 'renew'>;
  readonly lockDurationMs: () => number;
  /** The lock on a session has ended. */
  readonly onEnded: (sessionId: string) => void;
}

/** When locks on sessions end, and that somebody hears of it. */
export function createLockEnds({ clock, sessions, lockDurationMs, onEnded }: LockEndsDeps) {
  /** Settings may change while locks last. */
  let longestLockMs = 0;

  const alarm = createAlarm(clock, () => {
    for (const { sessionId } of sessions.ended(clock.now(), longestLockMs)) onEnded(sessionId);
    watch();
  });

  /** Sets the alarm for the first end. */
  function watch(): void {
    const endMs = sessions.nextEndMs();
    if (endMs !== undefined) alarm.set(endMs);
  }

  /** Of a lock that begins now. */
  function endMs(): number {
    const durationMs = lockDurationMs();
    longestLockMs = Math.max(longestLockMs, durationMs);
    return clock.now() + durationMs;
  }

  return {
    endMs,
    watch,

    /** Lets a lock begin anew, and answers its end; undefined when it has ended. */
    renew(hold: SessionHold): number | undefined {
      const untilMs = endMs();
      if (!sessions.renew(hold, clock.now(), untilMs)) return undefined;
      watch();
      return untilMs;
    },

    stop: alarm.stop,
  };
}
