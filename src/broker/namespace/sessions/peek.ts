import { encodeDelivery } from '../../message/index.js';
import { changeKey, deferredKey, messageKey, scheduledKey } from '../../store/keys.js';
import { decodeSessionRow, sequenceOfSessionKey, sessionMessageKey } from '../../store/session-keys.js';
import type { Store } from '../../store/types.js';
import type { PeekedMessage } from '../peek.js';

const PEEK_BYTES = 4 * 1024 * 1024;

interface Place {
  readonly sequence: number;
  readonly sizeBytes: number;
  readonly state: 'active' | 'deferred' | 'scheduled';
}

export interface SessionPeek {
  readonly sessionId: string;
  readonly fromSequence: number;
  readonly limit: number;
  /** The delivery count of a message that can be delivered and has none in the store. */
  readonly deliveriesBefore: (sequence: number) => number;
}

const KEY = { active: messageKey, deferred: deferredKey, scheduled: scheduledKey } as const;

/** Messages of one session of every state in order of sequence number, without locking them. */
export async function peekSession(store: Store, id: number, peek: SessionPeek): Promise<PeekedMessage[]> {
  const { sessionId, limit } = peek;
  const fromSequence = Math.max(0, peek.fromSequence);
  const read = async (state: Place['state']) => {
    const kind = state === 'active' ? 'message' : state;
    const from = sessionMessageKey(kind, id, sessionId, fromSequence);
    const to = sessionMessageKey(kind, id, sessionId, Number.MAX_SAFE_INTEGER);
    const rows = await store.range({ from, to, limit });
    return rows.map(({ key, value }): Place => {
      return { sequence: sequenceOfSessionKey(key), sizeBytes: decodeSessionRow(value).sizeBytes, state };
    });
  };
  const places = (await Promise.all([read('active'), read('deferred'), read('scheduled')])).flat();
  places.sort((a, b) => a.sequence - b.sequence);
  let bytes = 0;
  const shown = places.slice(0, limit).filter(({ sizeBytes }, index) => {
    bytes += sizeBytes;
    return index === 0 || bytes <= PEEK_BYTES;
  });
  const [records, counts] = await Promise.all([
    store.getMany(shown.map(({ state, sequence }) => KEY[state](id, sequence))),
    store.getMany(shown.map(({ sequence }) => changeKey(id, sequence))),
  ]);
  return shown.flatMap(({ sequence, state }, index): PeekedMessage[] => {
    const record = records[index];
    const implied = state === 'active' ? peek.deliveriesBefore(sequence) : 0;
    const deliveryCount = counts[index]?.readUInt32BE(0) ?? implied;
    return record ? [{ sequence, payload: encodeDelivery(record, { sequence, deliveryCount, state }) }] : [];
  });
}
