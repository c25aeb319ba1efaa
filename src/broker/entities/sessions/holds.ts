/** A session in the hands of one receiver. The locks on its messages end with it. */
export interface Hold {
  readonly sessionId: string;
  lockedUntilMs: number;
}

/**
 * Who holds which session, by the end of the lock. A lock lasts from when it was taken or renewed for as long as the
 * settings say at that moment, so that after a change of the settings the order of ends is not that of beginnings.
 */
export function createHolds<H extends Hold>() {
  const bySession = new Map<string, H>();
  /** Nothing ends before this; to be computed anew when it has passed. */
  let noEndBeforeMs = Number.POSITIVE_INFINITY;

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

    /** The holds whose lock has ended; they are still there. */
    ended(nowMs: number): H[] {
      if (noEndBeforeMs > nowMs) return [];
      const ended: H[] = [];
      noEndBeforeMs = Number.POSITIVE_INFINITY;
      for (const hold of bySession.values()) {
        if (hold.lockedUntilMs <= nowMs) ended.push(hold);
        else noEndBeforeMs = Math.min(noEndBeforeMs, hold.lockedUntilMs);
      }
      return ended;
    },
  };
}
