import { deferredKey, messageKey } from '../../store/keys.js';
import type { Write } from '../../store/types.js';
import { sessionRowKey, sessionRowWrite } from '../sessions/index.js';
import { countRow, type Deliveries } from './deliveries.js';
import type { Locks } from './locks.js';
import type { Places } from './places.js';
import type { Tally } from './tally.js';
import type { QueueEntry } from './types.js';

export interface StoredParts {
  readonly tally: Tally;
  readonly deliveries: Deliveries;
  readonly places: Pick<Places, 'firstActive'>;
  readonly locks: Pick<Locks, 'isEmpty'>;
  /** Messages have a row in their session too. */
  readonly inSessions: boolean;
  /** How many removals may pass before the oldest message is looked for again. */
  readonly removalsPerRecount: number;
}

export interface PutOptions {
  readonly deliveryCount?: number;
  readonly sessionId?: string | undefined;
}

export type Stored = ReturnType<typeof createStored>;

/** What the store has of the messages of a queue, and the sums of it: each change answers the writes that make it durable. */
export function createStored(id: number, parts: StoredParts) {
  const { tally, deliveries, places, locks, inSessions } = parts;
  let removals = 0;
  /** Writes that go along with the next batch. */
  let extras: Write[] = [];

  const recordKey = ({ state, sequence }: QueueEntry): Buffer =>
    state === 'active' ? messageKey(id, sequence) : deferredKey(id, sequence);

  function removeActive(): void {
    tally.count--;
    if (++removals < parts.removalsPerRecount && !locks.isEmpty()) return;
    removals = 0;
    tally.firstSequence = tally.count === 0 ? tally.nextSequence : places.firstActive();
  }

  /** The message is stored anew, with what its receiver changed. */
  function rewrite(entry: QueueEntry, record: Buffer): Write {
    tally.bytes += record.length - entry.sizeBytes;
    entry.sizeBytes = record.length;
    // Until it is durable the store has the old one.
    entry.record = record;
    tally.changed = true;
    return { key: recordKey(entry), value: record };
  }

  return {
    /** Where the record of a message lies. */
    recordKey,
    rewrite,

    /** A new message, behind all others. */
    put(record: Buffer, { deliveryCount = 0, sessionId }: PutOptions): Write {
      const sequence = tally.nextSequence++;
      tally.count++;
      tally.bytes += record.length;
      tally.changed = true;
      if (deliveryCount > 0) extras.push(countRow(id, sequence, deliveryCount));
      if (sessionId !== undefined) extras.push(sessionRowWrite(id, { sequence, state: 'active', sessionId }, record));
      return { key: messageKey(id, sequence), value: record };
    },

    remove(entry: QueueEntry): Write[] {
      tally.bytes -= entry.sizeBytes;
      tally.removedCount++;
      tally.changed = true;
      const writes: Write[] = [{ key: recordKey(entry) }, ...deliveries.removed(entry)];
      if (inSessions) writes.push({ key: sessionRowKey(id, entry) });
      if (entry.state === 'deferred') tally.deferredCount--;
      else removeActive();
      return writes;
    },

    /** Sets a message aside, in a place of its own: those that are read in turn stay close together. */
    setAside(entry: QueueEntry, record: Buffer): Write[] {
      const writes: Write[] = [];
      if (entry.state === 'active') {
        writes.push({ key: messageKey(id, entry.sequence) });
        if (inSessions) writes.push({ key: sessionRowKey(id, entry) });
        entry.state = 'deferred';
        if (inSessions) writes.push(sessionRowWrite(id, entry, record));
        tally.deferredCount++;
        removeActive();
      }
      writes.push(rewrite(entry, record));
      return writes;
    },

    takeExtras(): Write[] {
      const taken = extras;
      extras = [];
      return taken;
    },
  };
}
