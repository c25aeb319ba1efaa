import type { Queue, QueueEntry } from '../entities/index.js';
import { storedFields } from '../message/index.js';
import { changeKey, messageKey, sequenceOfKey } from '../store/keys.js';
import type { Store } from '../store/types.js';

const READ_BYTES = 4 * 1024 * 1024;

export interface ReadRange {
  readonly fromSequence: number;
  readonly toSequence: number;
  readonly limit: number;
}

/** Reads active messages of a queue from the store; none when the range has no more. */
export async function readActive(store: Store, queue: Queue, range: ReadRange): Promise<QueueEntry[]> {
  const { fromSequence, toSequence, limit } = range;
  const [from, to] = [messageKey(queue.id, fromSequence), messageKey(queue.id, toSequence)];
  const entries = await store.range({ from, to, limit, maxBytes: READ_BYTES });
  const last = entries.at(-1);
  if (last === undefined) return [];
  const changes = await store.range({
    from: changeKey(queue.id, fromSequence),
    to: changeKey(queue.id, sequenceOfKey(last.key) + 1),
    limit: entries.length + 1,
  });
  const counts = new Map(changes.map(({ key, value }) => [sequenceOfKey(key), value.readUInt32BE(0)]));
  return entries.map(({ key, value: record }): QueueEntry => {
    const sequence = sequenceOfKey(key);
    const { expiresAtMs } = storedFields(record);
    const storedCount = counts.get(sequence);
    const deliveryCount = storedCount ?? queue.deliveriesBefore(sequence);
    return { sequence, sizeBytes: record.length, expiresAtMs, state: 'active', deliveryCount, storedCount, record };
  });
}
