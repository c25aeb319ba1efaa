import type { QueueEntry } from './types.js';

interface Lock {
  readonly entry: QueueEntry;
  readonly lockedUntilMs: number;
}

/** Locks that last equally long: the order in which they were made is the order in which they end. */
interface Bucket {
  readonly durationMs: number;
  readonly locks: Map<string, Lock>;
  /** No lock ends later. */
  lastEndMs: number;
}

export type Locks = ReturnType<typeof createLocks>;

/**
 * The messages that receivers hold, by lock token. Nearly always all locks last equally long; after a change of the lock
 * duration there is one bucket for each duration that is still in use, so that the next end is found without a search.
 */
export function createLocks(durationMs: () => number) {
  let buckets: Bucket[] = [];

  function bucketOf(lastsMs: number): Bucket {
    const found = buckets.find((bucket) => bucket.durationMs === lastsMs);
    if (found !== undefined) return found;
    const bucket: Bucket = { durationMs: lastsMs, locks: new Map(), lastEndMs: Number.NEGATIVE_INFINITY };
    buckets = [...buckets.filter(({ locks }) => locks.size > 0), bucket];
    return bucket;
  }

  /**
   * A lock that ends later than one would that is made now was made before the clock was set back. Left as it is, it would
   * hold its message for as long as the clock was set back, and all that were locked after it.
   */
  function heedSetBack(bucket: Bucket, nowMs: number): void {
    const mostMs = nowMs + bucket.durationMs;
    if (bucket.lastEndMs <= mostMs) return;
    bucket.lastEndMs = mostMs;
    for (const [token, { entry, lockedUntilMs }] of bucket.locks) {
      if (lockedUntilMs > mostMs) bucket.locks.set(token, { entry, lockedUntilMs: mostMs });
    }
  }

  function find(token: string): { bucket: Bucket; lock: Lock } | undefined {
    for (const bucket of buckets) {
      const lock = bucket.locks.get(token);
      if (lock !== undefined) return { bucket, lock };
    }
    return undefined;
  }

  return {
    /** Answers when the lock ends. */
    add(token: string, entry: QueueEntry, nowMs: number): number {
      const bucket = bucketOf(durationMs());
      const lockedUntilMs = nowMs + bucket.durationMs;
      heedSetBack(bucket, nowMs);
      bucket.locks.set(token, { entry, lockedUntilMs });
      bucket.lastEndMs = lockedUntilMs;
      return lockedUntilMs;
    },

    get: (token: string): QueueEntry | undefined => find(token)?.lock.entry,

    /** Whether the lock is there and has not ended. */
    holds(token: string, nowMs: number): boolean {
      const found = find(token);
      return found !== undefined && found.lock.lockedUntilMs > nowMs;
    },

    /** Ends a lock, and answers its message; undefined when there is no such lock any more at `nowMs`. */
    remove(token: string, nowMs: number): QueueEntry | undefined {
      const found = find(token);
      if (found === undefined || found.lock.lockedUntilMs <= nowMs) return undefined;
      found.bucket.locks.delete(token);
      return found.lock.entry;
    },

    /** When the first lock ends; undefined when nothing is locked. */
    nextEndMs(): number | undefined {
      let nextMs: number | undefined;
      for (const { locks } of buckets) {
        for (const { lockedUntilMs } of locks.values()) {
          nextMs = Math.min(nextMs ?? lockedUntilMs, lockedUntilMs);
          break;
        }
      }
      return nextMs;
    },

    /** Ends the locks whose time is over, and answers their messages. */
    expire(nowMs: number): QueueEntry[] {
      const expired: QueueEntry[] = [];
      for (const bucket of buckets) {
        heedSetBack(bucket, nowMs);
        const { locks } = bucket;
        for (const [token, { entry, lockedUntilMs }] of locks) {
          if (lockedUntilMs > nowMs) break;
          locks.delete(token);
          expired.push(entry);
        }
      }
      return expired;
    },

    isEmpty: (): boolean => buckets.every(({ locks }) => locks.size === 0),

    *entries(): Iterable<QueueEntry> {
      for (const { locks } of buckets) for (const { entry } of locks.values()) yield entry;
    },
  };
}
