import { storedFields } from '../../message/index.js';
import { encodeDelivered, encodeSessionRow, sessionDeliveredKey, sessionMessageKey } from '../../store/session-keys.js';
import type { Write } from '../../store/types.js';
import type { QueueEntry } from '../queue/types.js';

type Placed = Pick<QueueEntry, 'sequence' | 'sessionId'> & { readonly state: QueueEntry['state'] | 'scheduled' };

/** The row that names a message among those of its session. */
export const sessionRowKey = (id: number, { sequence, state, sessionId = '' }: Placed): Buffer =>
  sessionMessageKey(state === 'active' ? 'message' : state, id, sessionId, sequence);

/** Below which number every message of a session was delivered; without one this is not known any more. */
export function sessionDeliveredWrite(id: number, sessionId: string, deliveredBelow: number | undefined): Write {
  const key = sessionDeliveredKey(id, sessionId);
  return deliveredBelow === undefined ? { key } : { key, value: encodeDelivered(deliveredBelow) };
}

export function sessionRowWrite(id: number, message: Placed, record: Buffer): Write {
  const { enqueuedAtMs, expiresAtMs } = storedFields(record);
  const value = encodeSessionRow({ sizeBytes: record.length, enqueuedAtMs, expiresAtMs });
  return { key: sessionRowKey(id, message), value };
}
