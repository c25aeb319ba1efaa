import { changeKey } from '../../store/keys.js';
import type { Write } from '../../store/types.js';
import type { QueueEntry } from './types.js';

export function countRow(id: number, sequence: number, deliveryCount: number): Write {
  const value = Buffer.allocUnsafe(4);
  value.writeUInt32BE(deliveryCount, 0);
  return { key: changeKey(id, sequence), value };
}

export type Deliveries = ReturnType<typeof createDeliveries>;

/**
 * What the store says of how often messages were delivered. It has to say it of deliveries under way too, for one that the
 * end of the broker interrupts counts. A first delivery costs no write: all messages below a number that is written with
 * every batch (`deliveredBelow`) were delivered once. Only where this is not so a message has a row of its own: it came
 * back, it is being delivered once more, or it was given back unread. Rows go with the next batch, whoever makes it.
 */
export function createDeliveries(id: number, deliveredBelow: (entry: QueueEntry) => number) {
  /** What counts if the broker ended now, of messages for which the store may say something else. */
  const owed = new Map<QueueEntry, number>();

  function row(entry: QueueEntry, deliveryCount: number): Write {
    entry.storedCount = deliveryCount;
    return countRow(id, entry.sequence, deliveryCount);
  }

  return {
    /** A message is on its way to a receiver. */
    took(entry: QueueEntry): void {
      const isFirst = entry.storedCount === undefined && entry.sequence >= deliveredBelow(entry) && !owed.has(entry);
      if (!isFirst) owed.set(entry, entry.deliveryCount + 1);
    },

    /** A message is in no receiver's hands, and was not delivered. */
    untouched: (entry: QueueEntry): void => void owed.set(entry, entry.deliveryCount),

    /** The count as it is from now on; to be committed in the same step. */
    counted(entry: QueueEntry): Write {
      owed.delete(entry);
      return row(entry, entry.deliveryCount);
    },

    /** What has to be removed with a message. */
    removed(entry: QueueEntry): Write[] {
      owed.delete(entry);
      return entry.storedCount === undefined ? [] : [{ key: changeKey(id, entry.sequence) }];
    },

    /** What has to be written with the next batch. */
    takeWrites(): Write[] {
      const writes: Write[] = [];
      for (const [entry, count] of owed) {
        const said = entry.storedCount ?? (entry.sequence < deliveredBelow(entry) ? 1 : 0);
        if (said !== count) writes.push(row(entry, count));
      }
      owed.clear();
      return writes;
    },
  };
}
