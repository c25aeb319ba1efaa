import type { Sessions } from '../sessions/index.js';
import type { Deliveries } from './deliveries.js';
import type { Locks } from './locks.js';
import type { Places } from './places.js';
import type { Tally } from './tally.js';
import type { QueueEntry, QueueLimits, Taken, Unfit } from './types.js';
import type { Window } from './window.js';

export interface ReceivingParts {
  readonly limits: () => QueueLimits;
  readonly window: Window;
  readonly sessions: Pick<Sessions, 'took'> | undefined;
  readonly places: Places;
  readonly locks: Locks;
  readonly deliveries: Deliveries;
  readonly tally: Tally;
}

/** Where the next message is taken from. */
interface Source {
  next(): QueueEntry | undefined;
}

/** How messages come to receivers, and back where they were not wanted. */
export function createReceiving({ limits, window, sessions, places, locks, deliveries, tally }: ReceivingParts) {
  function unfit(entry: QueueEntry, nowMs: number): Unfit | undefined {
    if (entry.expiresAtMs <= nowMs) return { expired: entry };
    const tried = entry.deliveryCount > 0 && entry.deliveryCount >= limits().maxDeliveryCount;
    return tried ? { exceeded: entry } : undefined;
  }

  return {
    /** Why a message cannot be delivered, if so. */
    unfit,

    /** Takes the next message under a lock, or out of the queue when it cannot be delivered. */
    take(nowMs: number, newToken: () => string, from: Source = window): Taken | Unfit | undefined {
      const entry = from.next();
      if (entry === undefined) return undefined;
      const fault = unfit(entry, nowMs);
      if (fault !== undefined) {
        places.leaveUntouched(entry);
        return fault;
      }
      deliveries.took(entry);
      sessions?.took(entry);
      const lockToken = newToken();
      const lockedUntilMs = locks.add(lockToken, entry, nowMs);
      const record = entry.record;
      entry.record = undefined;
      // A delivery is to be noted, though nothing else may be.
      tally.changed = true;
      return { entry, record, lockToken, lockedUntilMs };
    },

    /** Takes the next message for good (receive and delete); `discard` removes it. */
    takeAway(
      nowMs: number,
      from: Source = window,
    ): { readonly entry: QueueEntry } | { readonly expired: QueueEntry } | undefined {
      const entry = from.next();
      if (entry === undefined) return undefined;
      places.leaveUntouched(entry);
      return entry.expiresAtMs <= nowMs ? { expired: entry } : { entry };
    },

    /** A message that was taken for good stays after all. */
    stay(entry: QueueEntry): void {
      places.left(entry);
      places.putBack(entry);
    },

    /**
     * Takes a lock back as if the message had never been delivered: its receiver went away before it was sent. A deferred
     * one stays in hand until its count is durable; `letGo` follows.
     */
    giveBack(token: string): QueueEntry | undefined {
      const entry = locks.remove(token, Number.NEGATIVE_INFINITY);
      if (entry === undefined) return undefined;
      tally.changed = true;
      if (entry.state === 'active') places.putBack(entry);
      else deliveries.untouched(entry);
      return entry;
    },
  };
}
