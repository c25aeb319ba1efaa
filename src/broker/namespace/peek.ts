import { encodeDelivery } from '../message/index.js';
import {
  changeKey,
  deferredEnd,
  deferredKey,
  messageEnd,
  messageKey,
  scheduledEnd,
  scheduledKey,
  sequenceOfKey,
} from '../store/keys.js';
import type { Entry, Store } from '../store/types.js';

export interface PeekedMessage {
  readonly sequence: number;
  readonly payload: Buffer;
}

export interface PeekRange {
  readonly fromSequence: number;
  /** No active message is below: there may be many removed ones that the store would still have to step over. */
  readonly firstActive: number;
  readonly limit: number;
  /** The delivery count of an active message that has none in the store; 0 when it is not given. */
  readonly deliveriesBefore?: (sequence: number) => number;
}

/** Of each state; what an answer holds at the most is as much. */
const PEEK_BYTES = 4 * 1024 * 1024;
const LARGEST_BYTES = 1024 * 1024 + 64 * 1024;

type Found = Entry & { readonly sequence: number; readonly state: 'active' | 'deferred' | 'scheduled' };

/** Messages of every state in order of sequence number, without locking them. */
export async function peekMessages(store: Store, id: number, range: PeekRange): Promise<PeekedMessage[]> {
  const { fromSequence, firstActive, limit } = range;
  const from = Math.max(0, fromSequence);
  const read = async (state: Found['state'], first: Buffer, end: Buffer) => {
    const entries = await store.range({ from: first, to: end, limit, maxBytes: PEEK_BYTES });
    return entries.map((entry): Found => ({ ...entry, sequence: sequenceOfKey(entry.key), state }));
  };
  const places = await Promise.all([
    read('active', messageKey(id, Math.max(firstActive, from)), messageEnd(id)),
    read('deferred', deferredKey(id, from), deferredEnd(id)),
    read('scheduled', scheduledKey(id, from), scheduledEnd(id)),
  ]);
  const found = inOrder(places).slice(0, limit);
  const counts = await store.getMany(found.map(({ sequence }) => changeKey(id, sequence)));
  return found.map(({ sequence, state, value }, index) => {
    const implied = state === 'active' ? (range.deliveriesBefore?.(sequence) ?? 0) : 0;
    const deliveryCount = counts[index]?.readUInt32BE(0) ?? implied;
    return { sequence, payload: encodeDelivery(value, { sequence, deliveryCount, state }) };
  });
}

/** Merges the places, up to where one of them may have been cut off for its size. */
function inOrder(places: readonly (readonly Found[])[]): Found[] {
  let endSequence = Number.POSITIVE_INFINITY;
  for (const place of places) {
    const bytes = place.reduce((sum, { value }) => sum + value.length, 0);
    if (bytes + LARGEST_BYTES > PEEK_BYTES) endSequence = Math.min(endSequence, (place.at(-1) as Found).sequence);
  }
  const merged = places
    .flat()
    .filter(({ sequence }) => sequence <= endSequence)
    .sort((a, b) => a.sequence - b.sequence);
  let bytes = 0;
  return merged.filter(({ value }, index) => {
    bytes += value.length;
    return index === 0 || bytes <= PEEK_BYTES;
  });
}
