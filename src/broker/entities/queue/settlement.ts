import type { Write } from '../../store/types.js';
import type { Deliveries } from './deliveries.js';
import type { Locks } from './locks.js';
import type { Places } from './places.js';
import type { Stored } from './stored.js';
import type { QueueEntry, QueueLimits, Settlement } from './types.js';

export interface SettlementParts {
  readonly limits: () => QueueLimits;
  readonly places: Places;
  readonly locks: Locks;
  readonly deliveries: Deliveries;
  readonly stored: Stored;
}

const LOCK_LOST: Settlement = { kind: 'lock-lost' };

/** What becomes of a message under a lock: what its receiver decides on, or the end of the lock. */
export function createSettlement({ limits, places, locks, deliveries, stored }: SettlementParts) {
  function leave(entry: QueueEntry): Settlement {
    places.leave(entry);
    return { kind: 'dead-letter', entry };
  }

  /** A delivery that was not completed: back in its place, or past its last try. */
  function comeBack(entry: QueueEntry, record?: Buffer): Settlement {
    entry.deliveryCount++;
    if (entry.deliveryCount >= limits().maxDeliveryCount) {
      entry.record = record;
      return leave(entry);
    }
    if (entry.state === 'active') places.putBack(entry);
    const writes = [deliveries.counted(entry)];
    if (record !== undefined) writes.push(stored.rewrite(entry, record));
    return { kind: 'done', entry, writes };
  }

  function setAside(entry: QueueEntry, record: Buffer): Settlement {
    const writes = stored.setAside(entry, record);
    entry.deliveryCount++;
    writes.push(deliveries.counted(entry));
    return { kind: 'done', entry, writes };
  }

  return {
    complete(token: string, nowMs: number): Settlement {
      const entry = locks.remove(token, nowMs);
      return entry === undefined ? LOCK_LOST : { kind: 'done', entry, writes: stored.remove(entry) };
    },

    /** Gives a message back; with `record` it is stored anew. */
    abandon(token: string, nowMs: number, record?: Buffer): Settlement {
      const entry = locks.remove(token, nowMs);
      return entry === undefined ? LOCK_LOST : comeBack(entry, record);
    },

    /** Sets a message aside for who knows its number; `record` is what is stored of it from now on. */
    defer(token: string, nowMs: number, record: Buffer): Settlement {
      const entry = locks.remove(token, nowMs);
      return entry === undefined ? LOCK_LOST : setAside(entry, record);
    },

    /** The receiver gives the message up: it goes to the dead-letter queue. */
    deadLetter(token: string, nowMs: number): Settlement {
      const entry = locks.remove(token, nowMs);
      return entry === undefined ? LOCK_LOST : leave(entry);
    },

    /** Extends a lock and answers its new end, or undefined when it was lost. */
    renew(token: string, nowMs: number): number | undefined {
      const entry = locks.remove(token, nowMs);
      return entry && locks.add(token, entry, nowMs);
    },

    /** Gives back every message whose lock has ended. */
    expireLocks: (nowMs: number): Settlement[] => locks.expire(nowMs).map((entry) => comeBack(entry)),

    /** The writes that remove a locked message which turned out to be gone. */
    drop(token: string): Write[] {
      const entry = locks.remove(token, Number.NEGATIVE_INFINITY);
      return entry === undefined ? [] : stored.remove(entry);
    },
  };
}
