/**
 * Where things lie in the store. Keys are binary and ordered; every number is big-endian, so that byte order is
 * numeric order.
 *
 * ```
 * 01                                format version of the store
 * 02 name                           definition of an entity (JSON), by its lower-case path
 * 10 store:u32                      state of a message store (queue, subscription, dead-letter queue): counters
 * 11 store:u32 sequence:u64         a stored message
 * 12 store:u32 sequence:u64         what changed since it was stored: delivery count
 * 13 store:u32 block:u64            when the first of 1,024 neighbouring messages expires
 * 14 store:u32 sequence:u64         a deferred message
 * 15 store:u32 sequence:u64         a scheduled message, of a queue or (by the id of its history) of a topic
 * 16 store:u32 due:u64 sequence:u64 scheduled messages by time: their size
 * 17 store:u32                      state of the scheduled messages: counters
 * 18 store:u32 session sequence:u64 a message of a session that can be delivered: its size and times
 * 19 store:u32 session sequence:u64 a deferred message of a session
 * 1a store:u32 session              the state that receivers keep with a session
 * 1b store:u32 session sequence:u64 a scheduled message of a session
 * 1c store:u32 session              below which number every message of a held session was delivered
 * 20 history:u32 messageId          duplicate detection: when this message id was seen
 * 21 history:u32 time:u64 messageId the ids of one batch (JSON) by latest time and first id, to forget them in order
 * 30 log:u32                        state of a partition when it was last noted; its events are in files (see ../log)
 * 32 log:u32                        how far Capture has come in a partition (JSON)
 * 33 log:u32                        the hub of a partition was deleted, and its files may still be there
 * 40                                allocation of the u32 ids above
 * ```
 *
 * A session in a key is its id in UTF-8 with the number of bytes (u16) before it.
 */
const FORMAT = 0x01;
const DEFINITION = 0x02;
const STORE_STATE = 0x10;
const STORE_MESSAGE = 0x11;
const STORE_CHANGE = 0x12;
const STORE_EXPIRY = 0x13;
const STORE_DEFERRED = 0x14;
const SCHEDULED_MESSAGE = 0x15;
const SCHEDULED_DUE = 0x16;
const SCHEDULE_STATE = 0x17;
/** Written and read by session-keys.ts. */
export const SESSION_KIND = { message: 0x18, deferred: 0x19, state: 0x1a, scheduled: 0x1b, delivered: 0x1c } as const;
const HISTORY_BY_ID = 0x20;
const HISTORY_BY_TIME = 0x21;
const LOG_STATE = 0x30;
const LOG_CAPTURE = 0x32;
const LOG_DELETED = 0x33;
const IDS = 0x40;

const WITH_ID_BYTES = 5;
const WITH_SEQUENCE_BYTES = 13;

export function withId(kind: number, id: number): Buffer {
  const key = Buffer.allocUnsafe(WITH_ID_BYTES);
  key[0] = kind;
  key.writeUInt32BE(id, 1);
  return key;
}

const TWO_POW_32 = 0x1_0000_0000;

/** Writes a safe integer as u64. */
export function writeUint64(buffer: Buffer, value: number, offset: number): void {
  buffer.writeUInt32BE(Math.floor(value / TWO_POW_32), offset);
  buffer.writeUInt32BE(value % TWO_POW_32, offset + 4);
}

export const readUint64 = (buffer: Buffer, offset: number): number =>
  buffer.readUInt32BE(offset) * TWO_POW_32 + buffer.readUInt32BE(offset + 4);

function withSequence(kind: number, id: number, sequence: number): Buffer {
  const key = Buffer.allocUnsafe(WITH_SEQUENCE_BYTES);
  key[0] = kind;
  key.writeUInt32BE(id, 1);
  writeUint64(key, sequence, WITH_ID_BYTES);
  return key;
}

export const formatKey = (): Buffer => Buffer.of(FORMAT);
export const idsKey = (): Buffer => Buffer.of(IDS);

export const definitionKey = (path: string): Buffer =>
  Buffer.concat([Buffer.of(DEFINITION), Buffer.from(path.toLowerCase(), 'utf8')]);
export const definitionRange = () => ({ from: Buffer.of(DEFINITION), to: Buffer.of(DEFINITION + 1) });

export const storeStateKey = (store: number): Buffer => withId(STORE_STATE, store);
export const messageKey = (store: number, sequence: number): Buffer => withSequence(STORE_MESSAGE, store, sequence);
export const changeKey = (store: number, sequence: number): Buffer => withSequence(STORE_CHANGE, store, sequence);
export const expiryKey = (store: number, block: number): Buffer => withSequence(STORE_EXPIRY, store, block);
export const expiryEnd = (store: number): Buffer => withId(STORE_EXPIRY, store + 1);
export const blockOfExpiryKey = (key: Buffer): number => readUint64(key, WITH_ID_BYTES);
export const deferredKey = (store: number, sequence: number): Buffer => withSequence(STORE_DEFERRED, store, sequence);
export const deferredEnd = (store: number): Buffer => withId(STORE_DEFERRED, store + 1);
export const scheduledKey = (store: number, sequence: number): Buffer =>
  withSequence(SCHEDULED_MESSAGE, store, sequence);
export const scheduledEnd = (store: number): Buffer => withId(SCHEDULED_MESSAGE, store + 1);
export function scheduledDueKey(store: number, dueAtMs: number, sequence: number): Buffer {
  const key = Buffer.allocUnsafe(WITH_SEQUENCE_BYTES + 8);
  withSequence(SCHEDULED_DUE, store, dueAtMs).copy(key);
  writeUint64(key, sequence, WITH_SEQUENCE_BYTES);
  return key;
}
export const scheduledDueOf = (key: Buffer): number => readUint64(key, WITH_ID_BYTES);
export const scheduledSequenceOf = (key: Buffer): number => readUint64(key, WITH_SEQUENCE_BYTES);
export const scheduleStateKey = (store: number): Buffer => withId(SCHEDULE_STATE, store);
export const messageEnd = (store: number): Buffer => withId(STORE_MESSAGE, store + 1);

/** Written in one piece: there is one for each message. */
export function historyKey(history: number, messageId: string): Buffer {
  const key = Buffer.allocUnsafe(WITH_ID_BYTES + Buffer.byteLength(messageId));
  key[0] = HISTORY_BY_ID;
  key.writeUInt32BE(history, 1);
  key.write(messageId, WITH_ID_BYTES);
  return key;
}
export const historyTimeKey = (history: number, timeMs: number, messageId: string): Buffer =>
  Buffer.concat([withSequence(HISTORY_BY_TIME, history, timeMs), Buffer.from(messageId, 'utf8')]);
export const historyTimeFrom = (history: number, timeMs: number): Buffer =>
  withSequence(HISTORY_BY_TIME, history, timeMs);
export const historyTimeEnd = (history: number): Buffer => withId(HISTORY_BY_TIME, history + 1);
export const timeOfHistoryKey = (key: Buffer): number => readUint64(key, WITH_ID_BYTES);

export const logStateKey = (log: number): Buffer => withId(LOG_STATE, log);

export const captureKey = (log: number): Buffer => withId(LOG_CAPTURE, log);

export const deletedLogKey = (log: number): Buffer => withId(LOG_DELETED, log);
export const deletedLogRange = () => ({ from: Buffer.of(LOG_DELETED), to: Buffer.of(LOG_DELETED + 1) });
export const logOfDeletedKey = (key: Buffer): number => key.readUInt32BE(1);

/** The sequence number at the end of a key of a message or a change. */
export const sequenceOfKey = (key: Buffer): number => readUint64(key, WITH_ID_BYTES);

/** Everything that belongs to one id, for when its entity is deleted; last what says that it was. */
export function rangesOfId(id: number): { from: Buffer; to: Buffer }[] {
  const ofStore = [STORE_STATE, STORE_MESSAGE, STORE_CHANGE, STORE_EXPIRY, STORE_DEFERRED];
  const ofSchedule = [SCHEDULED_MESSAGE, SCHEDULED_DUE, SCHEDULE_STATE];
  const ofSessions = Object.values(SESSION_KIND);
  const ofHistory = [HISTORY_BY_ID, HISTORY_BY_TIME];
  return [...ofStore, ...ofSchedule, ...ofSessions, ...ofHistory, LOG_STATE, LOG_CAPTURE, LOG_DELETED].map((kind) => ({
    from: withId(kind, id),
    to: withId(kind, id + 1),
  }));
}
