import { join } from 'node:path';
import type { ClassicLevel } from 'classic-level';
import { messageOf } from '../../shared/errors.js';
import { findDamagedTables } from '../../shared/leveldb/index.js';
import { BrokerError } from '../errors.js';
import { unseal } from './checksums.js';
import type { Entry, Range } from './types.js';

type Level = ClassicLevel<Buffer, Buffer>;

const READ_AHEAD_BYTES = 1024 * 1024;
const ROWS_AT_ONCE = 256;

/** Of a value that is not what was put under its key. */
class Unsound extends Error {}

/** Reads that believe nothing of what they read: damage is a typed error that names the file. */
export function createReading(db: Level, location: string) {
  /** Looking takes a while, and many may meet the same damage. */
  let looking: Promise<readonly string[]> | undefined;

  function damagedTables(): Promise<readonly string[]> {
    looking ??= findDamagedTables(location).finally(() => {
      looking = undefined;
    });
    return looking;
  }

  async function asBrokerError(cause: unknown): Promise<unknown> {
    const unsound = cause instanceof Unsound || (cause as NodeJS.ErrnoException).code === 'LEVEL_CORRUPTION';
    if (!unsound) return cause;
    const tables = await damagedTables().catch(() => []);
    const what = tables.length > 0 ? tables.join(', ') : `${location}: ${messageOf(cause)}`;
    return new BrokerError('PS_BROKER_STORE_CORRUPT', `the database is damaged: ${what}`, {
      cause,
      facts: { file: tables.length > 0 ? join(location, tables[0]?.split(' ')[0] ?? '') : location },
    });
  }

  const guarded = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw await asBrokerError(error);
    }
  };

  function sound(key: Buffer, sealed: Buffer): Buffer {
    const value = unseal(key, sealed);
    if (value === undefined) throw new Unsound('a value is not what was written');
    return value;
  }
  const soundIfThere = (key: Buffer, sealed: Buffer | undefined) => sealed && sound(key, sealed);

  async function readRange({ from, to, limit, maxBytes = Number.POSITIVE_INFINITY, reverse = false }: Range) {
    const iterator = db.iterator({ gte: from, lt: to, limit, reverse, highWaterMarkBytes: READ_AHEAD_BYTES });
    const entries: Entry[] = [];
    let bytes = 0;
    try {
      while (entries.length < limit && bytes < maxBytes) {
        const chunk = await iterator.nextv(Math.min(ROWS_AT_ONCE, limit - entries.length));
        if (chunk.length === 0) break;
        for (const [key, sealed] of chunk) {
          const value = sound(key, sealed);
          bytes += value.length;
          if (bytes > maxBytes && entries.length > 0) break;
          entries.push({ key, value });
        }
      }
    } finally {
      await iterator.close();
    }
    return entries;
  }

  return {
    /** What a failure is: a BrokerError with the file where it is damage, and otherwise the failure itself. */
    asBrokerError,
    get: (key: Buffer) => guarded(db.get(key).then((sealed) => soundIfThere(key, sealed))),
    getMany: (keys: readonly Buffer[]) =>
      guarded(
        db
          .getMany([...keys])
          .then((found) => found.map((sealed, index) => soundIfThere(keys[index] as Buffer, sealed))),
      ),
    range: (range: Range) => guarded(readRange(range)),
  };
}
