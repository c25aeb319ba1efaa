import { storedFields } from '../../message/index.js';
import { encodeSessionRow, sessionMessageKey } from '../../store/session-keys.js';
import type { Write } from '../../store/types.js';
import type { QueueEntry } from '../queue/types.js';

type Placed = Pick<QueueEntry, 'sequence' | 'sessionId'> & { readonly state: QueueEntry['state'] | 'scheduled' };

/** The row that names a message among those of its session. */
export const sessionRowKey = (id: number, { sequence, state, sessionId = '' }: Placed): Buffer =>
  sessionMessageKey(state === 'active' ? 'message' : state, id, sessionId, sequence);

export function sessionRowWrite(id: number, message: Placed, record: Buffer): Write {
  const { enqueuedAtMs, expiresAtMs } = storedFields(record);
  const value = encodeSessionRow({ sizeBytes: record.length, enqueuedAtMs, expiresAtMs });
  return { key: sessionRowKey(id, message), value };
}
