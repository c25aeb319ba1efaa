import type { Deliveries } from './deliveries.js';
import { blockOf, type Expiry } from './expiry.js';
import type { Locks } from './locks.js';
import type { QueueEntry } from './types.js';
import type { Window } from './window.js';

export interface PlacesParts {
  readonly window: Window;
  readonly locks: Locks;
  readonly deliveries: Deliveries;
  readonly expiry: Expiry;
}

export type Places = ReturnType<typeof createPlaces>;

/** Where the messages are that are in memory: they wait in the window, are locked, or are on their way out. */
export function createPlaces({ window, locks, deliveries, expiry }: PlacesParts) {
  /** Expired, or taken for good, or to the dead-letter queue. */
  const leaving = new Set<QueueEntry>();

  return {
    /** Back in its place, undelivered. */
    putBack(entry: QueueEntry): void {
      deliveries.untouched(entry);
      window.putBack(entry);
      expiry.lookAgain(entry.sequence, entry.expiresAtMs);
    },

    leave(entry: QueueEntry): QueueEntry {
      leaving.add(entry);
      return entry;
    },

    /** Leaves from where nobody had it. */
    leaveUntouched(entry: QueueEntry): QueueEntry {
      deliveries.untouched(entry);
      leaving.add(entry);
      return entry;
    },

    /** It is gone, or stays after all. */
    left: (entry: QueueEntry): void => void leaving.delete(entry),

    /** The lowest number of an active message. */
    firstActive(): number {
      let first = window.first();
      const regard = (entry: QueueEntry) => {
        if (entry.state === 'active') first = Math.min(first, entry.sequence);
      };
      for (const entry of locks.entries()) regard(entry);
      for (const entry of leaving) regard(entry);
      return first;
    },

    /** When the messages of a block expire that wait or are locked, in any order. */
    expiriesIn(block: number): number[] {
      const expiries: number[] = [];
      const regard = ({ sequence, state, expiresAtMs }: QueueEntry) => {
        if (state === 'active' && blockOf(sequence) === block) expiries.push(expiresAtMs);
      };
      for (const entry of window.entries()) regard(entry);
      for (const entry of locks.entries()) regard(entry);
      return expiries;
    },
  };
}
