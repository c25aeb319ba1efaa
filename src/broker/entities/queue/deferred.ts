import type { Deliveries } from './deliveries.js';
import type { Locks } from './locks.js';
import type { Places } from './places.js';
import type { Tally } from './tally.js';
import type { QueueEntry, Taken } from './types.js';

export interface DeferredParts {
  readonly places: Pick<Places, 'leave'>;
  readonly locks: Pick<Locks, 'add'>;
  readonly deliveries: Pick<Deliveries, 'took'>;
  readonly tally: Tally;
}

/**
 * The deferred messages that somebody has in hand: they are being read, are locked, or what was decided on them is on its
 * way to the disk. All others are in the store alone, where they are found by number; until one is let go of again nobody
 * else can have it.
 */
export function createDeferred({ places, locks, deliveries, tally }: DeferredParts) {
  const held = new Set<number>();
  return {
    /**
     * Takes all of these numbers in hand, so that they can be read, or none: false when somebody else has one of them.
     * `lock`, `take` or `letGo` follows for each.
     */
    claim(sequences: readonly number[]): boolean {
      const wanted = new Set(sequences);
      if (wanted.size !== sequences.length || sequences.some((sequence) => held.has(sequence))) return false;
      for (const sequence of wanted) held.add(sequence);
      return true;
    },

    letGo: (sequence: number): void => void held.delete(sequence),

    /** Locks a claimed message that was found in the store. */
    lock(entry: QueueEntry, nowMs: number, newToken: () => string): Taken {
      const lockToken = newToken();
      deliveries.took(entry);
      tally.changed = true;
      return { entry, record: entry.record, lockToken, lockedUntilMs: locks.add(lockToken, entry, nowMs) };
    },

    /** Takes a claimed message for good, or because it has expired; `discard` removes it. */
    take: (entry: QueueEntry): void => void places.leave(entry),
  };
}
