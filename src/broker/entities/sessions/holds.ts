/** A session in the hands of one receiver. The locks on its messages end with it. */
export interface Hold {
  readonly sessionId: string;
  lockedUntilMs: number;
}

/** The end of a lock on a session that is being prepared for its receiver. */
const NEVER = Number.POSITIVE_INFINITY;

/**
 * Who holds which session, by the end of the lock. A lock lasts from when it was taken or renewed for as long as the
 * settings say at that moment, so that after a change of the settings the order of ends is not that of beginnings.
 */
export function createHolds<H extends Hold>() {
  const bySession = new Map<string, H>();
  /** Nothing ends before this; to be computed anew when it has passed. */
  let noEndBeforeMs = NEVER;

  return {
    get: (sessionId: string): H | undefined => bySession.get(sessionId),
    values: (): Iterable<H> => bySession.values(),
    get size() {
      return bySession.size;
    },

    add(hold: H): void {
      bySession.set(hold.sessionId, hold);
      noEndBeforeMs = Math.min(noEndBeforeMs, hold.lockedUntilMs);
    },

    remove(hold: H): boolean {
      if (bySession.get(hold.sessionId) !== hold) return false;
      return bySession.delete(hold.sessionId);
    },

    renew(hold: H, untilMs: number): void {
      hold.lockedUntilMs = untilMs;
      noEndBeforeMs = Math.min(noEndBeforeMs, untilMs);
    },

    /** When to look for ended locks: not later than the first of them ends. */
    nextEndMs: (): number | undefined => (bySession.size === 0 ? undefined : noEndBeforeMs),

    /**
     * The holds whose lock has ended; they are still there.
     * @param longestMs no lock lasts longer: what ends later was locked before the clock was set back, and is shortened
     */
    ended(nowMs: number, longestMs: number): H[] {
      const mostMs = nowMs + longestMs;
      if (noEndBeforeMs > nowMs && noEndBeforeMs <= mostMs) return [];
      const ended: H[] = [];
      noEndBeforeMs = NEVER;
      for (const hold of bySession.values()) {
        if (hold.lockedUntilMs > mostMs && hold.lockedUntilMs !== NEVER) hold.lockedUntilMs = mostMs;
        if (hold.lockedUntilMs <= nowMs) ended.push(hold);
        else noEndBeforeMs = Math.min(noEndBeforeMs, hold.lockedUntilMs);
      }
      return ended;
    },
  };
}
