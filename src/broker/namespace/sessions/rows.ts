import type { Load, QueueEntry, SessionSearch } from '../../entities/index.js';
import { storedFields } from '../../message/index.js';
import { changeKey, messageKey } from '../../store/keys.js';
import {
  decodeSessionRow,
  sequenceOfSessionKey,
  sessionIdOfKey,
  sessionMessageKey,
  sessionRange,
} from '../../store/session-keys.js';
import type { Entry, Store } from '../../store/types.js';
import type { Loaded } from '../dispatcher.js';

/** Bytes of messages that are read for one session in one go. */
const LOAD_BYTES = 1024 * 1024;
const PAGE_ROWS = 128;
const SEARCHED_SESSIONS = 256;

/** As many rows as have messages of `LOAD_BYTES` together, and at least one. */
function withinBytes(rows: readonly Entry[]): readonly Entry[] {
  let bytes = 0;
  const end = rows.findIndex(({ value }, index) => {
    bytes += decodeSessionRow(value).sizeBytes;
    return index > 0 && bytes > LOAD_BYTES;
  });
  return end < 0 ? rows : rows.slice(0, end);
}

interface Place {
  readonly id: number;
  readonly sessionId: string;
  /** What a message counts that has no delivery count in the store. */
  readonly deliveriesBefore: (sequence: number) => number;
}

/** The next messages of a session. */
export async function loadSession(store: Store, place: Place, load: Load): Promise<Loaded> {
  const { id, sessionId } = place;
  const to = sessionMessageKey('message', id, sessionId, load.toSequence);
  for (let fromSequence = load.fromSequence; ; ) {
    const from = sessionMessageKey('message', id, sessionId, fromSequence);
    const found = await store.range({ from, to, limit: load.limit });
    const sequences = withinBytes(found).map(({ key }) => sequenceOfSessionKey(key));
    const complete = sequences.length === found.length && found.length < load.limit;
    const entries = await readEntries(store, place, sequences);
    // A message may have expired and gone since the rows were read.
    if (complete || entries.length > 0) return { entries, complete };
    fromSequence = (sequences.at(-1) as number) + 1;
  }
}

async function readEntries(store: Store, { id, sessionId, deliveriesBefore }: Place, sequences: readonly number[]) {
  const [records, counts] = await Promise.all([
    store.getMany(sequences.map((sequence) => messageKey(id, sequence))),
    store.getMany(sequences.map((sequence) => changeKey(id, sequence))),
  ]);
  return sequences.flatMap((sequence, index): QueueEntry[] => {
    const record = records[index];
    if (record === undefined) return [];
    const { expiresAtMs } = storedFields(record);
    const storedCount = counts[index]?.readUInt32BE(0);
    const deliveryCount = storedCount ?? deliveriesBefore(sequence);
    const entry = { sequence, sizeBytes: record.length, expiresAtMs, deliveryCount, storedCount, record, sessionId };
    return [{ ...entry, state: 'active' }];
  });
}

/** The next sessions of a walk through those that have messages which can be delivered. */
export async function searchSessions(store: Store, id: number, { after, belowSequence }: SessionSearch) {
  const sessionIds: string[] = [];
  let last = after;
  while (sessionIds.length < SEARCHED_SESSIONS) {
    const rows = await store.range({ ...sessionRange('message', id, last), limit: PAGE_ROWS });
    for (const { key } of rows) {
      const sessionId = sessionIdOfKey(key);
      if (sessionId === last) continue;
      last = sessionId;
      if (sequenceOfSessionKey(key) < belowSequence) sessionIds.push(sessionId);
    }
    if (rows.length < PAGE_ROWS) return { sessionIds, last: undefined };
  }
  return { sessionIds, last };
}
