import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { messageOf } from '../../shared/errors.js';
import { createSyncedNote, saysLocked } from '../../shared/leveldb/index.js';
import { type Space, spaceOf } from '../../shared/room.js';
import { GatewayError } from '../errors.js';
import { type MendedSpool, mendSpool } from './mend.js';

/** One change of the store: a value to put, or without one a key to delete. */
export interface Write {
  readonly key: string;
  readonly value?: Buffer;
}

/** What the spool knows of its disk: an ordered map of short texts to bytes. */
export interface SpoolStore {
  /** All keys from `from` up to, and without, `to`, in order. */
  keys(from: string, to: string): AsyncIterable<string>;
  /** The same with their values, of which no more than about `aheadBytes` are read ahead. */
  entries(from: string, to: string, aheadBytes: number): AsyncIterable<readonly [key: string, value: Buffer]>;
  get(key: string): Promise<Buffer | undefined>;
  /** All or none of it; resolves once it is on disk. */
  write(writes: readonly Write[]): Promise<void>;
  /** Gives the disk back what was deleted, which LevelDB otherwise does in its own time. */
  compact(): Promise<void>;
  /** Of its disk. */
  space(): Promise<Space>;
  close(): Promise<void>;
}

/** What waits here is written once and read once: little of it is worth keeping in memory. */
const WRITE_BUFFER_BYTES = 4 * 1024 * 1024;
const CACHE_BYTES = 2 * 1024 * 1024;
/**
 * LevelDB maps its tables into memory and keeps them mapped while they are open. By default it has 1,000 of 2 MB open, and
 * a spool that drains would be resident as a whole. These are the least that it takes.
 */
const TABLE_BYTES = 1024 * 1024;
const OPEN_FILES = 74;

/** Whatever their size: `aheadBytes` is the bound of those that are large. */
const ENTRIES_AT_ONCE = 100;

/** To be opened at once: it would open itself with the next turn. */
const createLevel = (location: string) =>
  new ClassicLevel<string, Buffer>(location, {
    valueEncoding: 'buffer',
    writeBufferSize: WRITE_BUFFER_BYTES,
    cacheSize: CACHE_BYTES,
    maxFileSize: TABLE_BYTES,
    maxOpenFiles: OPEN_FILES,
  });

/**
 * @param onMended told when files were damaged, and what is lost by that
 * @throws GatewayError PS_SPOOL_LOCKED or PS_SPOOL_UNUSABLE
 */
export async function openSpoolStore(
  location: string,
  onMended: (mended: MendedSpool) => void = () => {},
): Promise<SpoolStore> {
  let db: ClassicLevel<string, Buffer>;
  try {
    await mkdir(location, { recursive: true });
    const mended = await mendSpool(location);
    if (mended !== undefined) onMended(mended);
    db = createLevel(location);
    await db.open();
  } catch (cause) {
    if (saysLocked(cause)) {
      const told = `${location} is in use by another gateway; give each its own --data-dir`;
      throw new GatewayError('PS_SPOOL_LOCKED', told, { cause });
    }
    const detail = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause;
    throw new GatewayError('PS_SPOOL_UNUSABLE', `${location} cannot be opened: ${messageOf(detail)}`, { cause });
  }
  // LevelDB holds this file as long as it has the database open, and never makes it anew.
  const lock = join(location, 'LOCK');
  const ours = await identityOf(lock);
  const synced = await createSyncedNote(location);
  return {
    keys: (from, to) => db.keys({ gte: from, lt: to }),
    async *entries(from, to, aheadBytes) {
      const iterator = db.iterator({ gte: from, lt: to, highWaterMarkBytes: aheadBytes });
      const next = () => iterator.nextv(ENTRIES_AT_ONCE);
      let first: string | undefined;
      try {
        for (let entries = await next(); entries.length > 0; entries = await next()) {
          first ??= entries[0]?.[0];
          yield* entries;
        }
      } finally {
        // What it read last it keeps until V8 collects it, and V8 knows nothing of that memory: so that is one entry. To seek
        // behind the last one would end the process where there is none (an assertion of LevelDB).
        if (first !== undefined) {
          iterator.seek(first);
          await iterator.nextv(1);
        }
        await iterator.close();
      }
    },
    get: (key) => db.get(key),
    async write(writes) {
      // A chained batch would take less time, and keep its copy of all values until V8 collects it, which knows of none of them.
      const batch = writes.map(({ key, value }) =>
        value === undefined ? ({ type: 'del', key } as const) : ({ type: 'put', key, value } as const),
      );
      await synced.around(() => db.batch(batch, { sync: true }));
      // A write to files that were removed succeeds, and is gone with the process.
      if ((await identityOf(lock)) !== ours)
        throw new GatewayError('PS_SPOOL_UNUSABLE', `${location} was removed or replaced: what was in it is lost`);
    },
    compact: () => db.compactRange('', '\uffff'),
    space: () => spaceOf(location),
    async close() {
      await synced.close();
      await db.close();
    },
  };
}

/** What tells one file from another that took its place; undefined where there is none. */
async function identityOf(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
