import { readUint64, SESSION_KIND, withId, writeUint64 } from './keys.js';

const ID_AT = 5;
const LENGTH_BYTES = 2;
const SEQUENCE_BYTES = 8;

/** The messages of a session that can be delivered, those that are deferred or scheduled, the state, and what was delivered. */
export type SessionKind = keyof typeof SESSION_KIND;

function sessionPrefix(kind: SessionKind, store: number, sessionId: string): Buffer {
  const id = Buffer.from(sessionId, 'utf8');
  const length = Buffer.allocUnsafe(LENGTH_BYTES);
  length.writeUInt16BE(id.length, 0);
  return Buffer.concat([withId(SESSION_KIND[kind], store), length, id]);
}

export function sessionMessageKey(
  kind: 'message' | 'deferred' | 'scheduled',
  store: number,
  sessionId: string,
  sequence: number,
): Buffer {
  const prefix = sessionPrefix(kind, store, sessionId);
  const key = Buffer.allocUnsafe(prefix.length + SEQUENCE_BYTES);
  prefix.copy(key);
  writeUint64(key, sequence, prefix.length);
  return key;
}

export const sessionDeliveredKey = (store: number, sessionId: string): Buffer =>
  sessionPrefix('delivered', store, sessionId);

export function encodeDelivered(deliveredBelow: number): Buffer {
  const row = Buffer.allocUnsafe(SEQUENCE_BYTES);
  writeUint64(row, deliveredBelow, 0);
  return row;
}

export const decodeDelivered = (row: Buffer): number => readUint64(row, 0);

export const sessionStateKey = (store: number, sessionId: string): Buffer => sessionPrefix('state', store, sessionId);

/** All rows of a kind, or those after a session. */
export function sessionRange(kind: SessionKind, store: number, after?: string) {
  const to = withId(SESSION_KIND[kind], store + 1);
  if (after === undefined) return { from: withId(SESSION_KIND[kind], store), to };
  // No sequence number is so large, and no key of another session lies between.
  const end = Buffer.alloc(SEQUENCE_BYTES + 1, 0xff);
  return { from: Buffer.concat([sessionPrefix(kind, store, after), end]), to };
}

export function sessionIdOfKey(key: Buffer): string {
  const start = ID_AT + LENGTH_BYTES;
  return key.toString('utf8', start, start + key.readUInt16BE(ID_AT));
}

export const sequenceOfSessionKey = (key: Buffer): number => readUint64(key, key.length - SEQUENCE_BYTES);

/** What is kept with a deliverable message of a session, so that it need not be read to be counted. */
export interface SessionRow {
  readonly sizeBytes: number;
  readonly enqueuedAtMs: number;
  readonly expiresAtMs: number;
}

const ROW_BYTES = 20;

export function encodeSessionRow({ sizeBytes, enqueuedAtMs, expiresAtMs }: SessionRow): Buffer {
  const row = Buffer.allocUnsafe(ROW_BYTES);
  row.writeUInt32BE(sizeBytes, 0);
  row.writeDoubleBE(enqueuedAtMs, 4);
  row.writeDoubleBE(expiresAtMs, 12);
  return row;
}

export const decodeSessionRow = (row: Buffer): SessionRow => ({
  sizeBytes: row.readUInt32BE(0),
  enqueuedAtMs: row.readDoubleBE(4),
  expiresAtMs: row.readDoubleBE(12),
});
