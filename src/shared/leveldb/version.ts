import type { LogRecord } from './record-log.js';
import { createCursor } from './varint.js';

/** A table as the manifest knows it. */
export interface TableFile {
  readonly number: number;
  readonly bytes: number;
}

/** What of the database's files a manifest tells. */
export interface Version {
  /** The oldest write-ahead log that is still needed. */
  readonly logNumber: number;
  /** One more, of very old versions of LevelDB; 0 when there is none. */
  readonly prevLogNumber: number;
  readonly tables: ReadonlyMap<number, TableFile>;
}

/** Tags of a version edit (db/version_edit.cc). */
const COMPARATOR = 1;
const LOG_NUMBER = 2;
const NEXT_FILE = 3;
const LAST_SEQUENCE = 4;
const COMPACT_POINTER = 5;
const DELETED_FILE = 6;
const NEW_FILE = 7;
const PREV_LOG_NUMBER = 9;

/**
 * Applies the edits of a manifest one after the other.
 * @throws RangeError for an edit that is none.
 */
export function readVersion(edits: readonly LogRecord[]): Version {
  let [logNumber, prevLogNumber] = [0, 0];
  const tables = new Map<number, TableFile>();
  for (const { pieces } of edits) {
    const cursor = createCursor(Buffer.concat(pieces));
    while (cursor.hasMore()) {
      const tag = cursor.number();
      if (tag === COMPARATOR) cursor.text();
      else if (tag === LOG_NUMBER) logNumber = cursor.number();
      else if (tag === PREV_LOG_NUMBER) prevLogNumber = cursor.number();
      else if (tag === NEXT_FILE || tag === LAST_SEQUENCE) cursor.number();
      else if (tag === COMPACT_POINTER) {
        cursor.number();
        cursor.text();
      } else if (tag === DELETED_FILE) {
        cursor.number();
        tables.delete(cursor.number());
      } else if (tag === NEW_FILE) {
        cursor.number();
        const number = cursor.number();
        tables.set(number, { number, bytes: cursor.number() });
        cursor.text();
        cursor.text();
      } else throw new RangeError(`an edit has the unknown tag ${tag}`);
    }
  }
  return { logNumber, prevLogNumber, tables };
}
