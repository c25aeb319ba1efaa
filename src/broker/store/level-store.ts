import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { messageOf } from '../../shared/errors.js';
import { createSyncedNote, cutTornManifest, findLock, saysLocked, verifyDatabase } from '../../shared/leveldb/index.js';
import { BrokerError } from '../errors.js';
import { createSealer, unseal } from './checksums.js';
import { otherFormat, STORE_FORMAT } from './format.js';
import { type CommitMeter, createGroupCommit } from './group-commit.js';
import { formatKey } from './keys.js';
import { createReading } from './reading.js';
import type { Range, Store, Write } from './types.js';

/**
 * Bodies come in appended ranges (a log for each partition and queue), which LevelDB moves down its levels without
 * rewriting. A big write buffer makes few, large files of them; it also bounds the log that is read again at a start.
 */
const WRITE_BUFFER_BYTES = 16 * 1024 * 1024;
const CACHE_BYTES = 16 * 1024 * 1024;
/** LevelDB maps the files that it has open into memory, 2 MB each, and keeps their indexes. */
const MAX_OPEN_FILES = 128;
const READ_AHEAD_BYTES = 1024 * 1024;
const CLEARED_AT_ONCE = 1000;

/** What is after a fault that keeps the database from being opened. */
const MEND = 'bring the folder back from a copy, or run `penstock broker repair` to go on without what is lost';
const WAY_ON = `nothing was changed; ${MEND}`;

/** What LevelDB says of ENOSPC and EDQUOT, which it hands on as text. */
const NO_ROOM = /No space left on device|Disk quota exceeded/;

const createLevel = (location: string) =>
  new ClassicLevel<Buffer, Buffer>(location, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    writeBufferSize: WRITE_BUFFER_BYTES,
    cacheSize: CACHE_BYTES,
    maxOpenFiles: MAX_OPEN_FILES,
    compression: true,
  });

function whyNotOpened(location: string, cause: unknown): BrokerError {
  if (saysLocked(cause)) {
    return new BrokerError('PS_BROKER_STORE_LOCKED', `${location} is in use by another process`, { cause });
  }
  const reason = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause;
  const detail = messageOf(reason);
  if ((reason as NodeJS.ErrnoException).code === 'LEVEL_IO_ERROR') {
    const code = NO_ROOM.test(detail) ? 'PS_BROKER_DISK_FULL' : 'PS_BROKER_STORE_FAILED';
    return new BrokerError(code, `${location} cannot be opened: ${detail}`, { cause });
  }
  return new BrokerError('PS_BROKER_STORE_CORRUPT', `${location} cannot be opened: ${detail}; ${WAY_ON}`, { cause });
}

/**
 * Whether no other process has the database.
 * @throws BrokerError PS_BROKER_STORE_LOCKED.
 */
export async function ensureUnlocked(location: string): Promise<void> {
  const refusal = await findLock(location);
  if (refusal !== undefined) throw whyNotOpened(location, refusal);
}

/**
 * Looks for damage before LevelDB does, which passes over some and makes a new database of the rest; with `thorough` in all
 * that there is, which takes a second for some hundred megabytes.
 * @throws BrokerError PS_BROKER_STORE_CORRUPT, with file and position, or PS_BROKER_STORE_LOCKED.
 */
export async function ensureSound(location: string, { thorough = false } = {}): Promise<void> {
  const verdict = await verifyDatabase(location, { thorough });
  const [first, ...others] = verdict.damage;
  if (first === undefined && verdict.tornManifest === undefined) return;
  // To who looks on while another process writes, files may look damaged.
  await ensureUnlocked(location);
  if (first !== undefined) {
    const more = others.length > 0 ? ` (and ${others.length} more)` : '';
    throw new BrokerError(
      'PS_BROKER_STORE_CORRUPT',
      `the database file ${join(location, first.file)} ${first.what}${more}: ${WAY_ON}`,
      { facts: { file: join(location, first.file) } },
    );
  }
  await cutTornManifest(location, verdict);
}

/** LevelDB met damage while it merged files, and takes no writes any more. */
const unwritable = (damage: BrokerError) =>
  new BrokerError(damage.code, `nothing can be written any more: ${damage.message}; ${MEND}`, {
    cause: damage.cause,
    facts: damage.facts,
  });

/**
 * Values had no checksums before format 3.
 * @throws BrokerError PS_BROKER_STORE_FORMAT.
 */
async function ensureFormat(db: ClassicLevel<Buffer, Buffer>): Promise<void> {
  const key = formatKey();
  const row = await db.get(key);
  if (row === undefined || unseal(key, row) !== undefined) return;
  const found = /"format":(\d+)/.exec(row.toString('latin1'))?.[1];
  // Otherwise it is damaged, which whoever reads it is told.
  if (found !== undefined && Number(found) < STORE_FORMAT) throw otherFormat(found);
}

/**
 * The store on LevelDB in `location`. `onFailure` is told when a write has failed, after which only opening it again helps.
 * @throws BrokerError PS_BROKER_STORE_LOCKED or PS_BROKER_STORE_CORRUPT.
 */
export async function openLevelStore(
  location: string,
  onFailure?: (error: unknown) => void,
  meter?: CommitMeter,
): Promise<Store> {
  await mkdir(location, { recursive: true });
  await ensureSound(location);
  const db = createLevel(location);
  try {
    await db.open();
  } catch (cause) {
    throw whyNotOpened(location, cause);
  }
  await ensureFormat(db).catch(async (error: unknown) => {
    await db.close();
    throw error;
  });

  const reading = createReading(db, location);
  const seal = createSealer();
  const synced = await createSyncedNote(location);
  // A chained batch costs an eighth of the main thread's time of a batch given as an array (measured, classic-level 3).
  const apply = (writes: readonly Write[]) => {
    const batch = db.batch();
    for (const { key, value } of writes) {
      if (value === undefined) batch.del(key);
      else batch.put(key, seal(key, value));
    }
    return synced
      .around(() => batch.write({ sync: true }))
      .catch(async (cause: unknown) => {
        const error = await reading.asBrokerError(cause);
        throw error instanceof BrokerError ? unwritable(error) : error;
      });
  };
  const group = createGroupCommit(apply, onFailure, meter);

  /** Not `db.clear`: what it writes is not synced, so that of several such writes any could be torn by a power cut. */
  async function clear({ from, to }: Pick<Range, 'from' | 'to'>): Promise<void> {
    const keys = db.keys({ gte: from, lt: to, highWaterMarkBytes: READ_AHEAD_BYTES });
    try {
      for (;;) {
        const chunk = await keys.nextv(CLEARED_AT_ONCE);
        if (chunk.length === 0) return;
        await group.commit(chunk.map((key) => ({ key })));
      }
    } finally {
      await keys.close();
    }
  }

  return {
    get: reading.get,
    getMany: reading.getMany,
    range: reading.range,
    commit: group.commit,
    onBatch: group.onBatch,
    clear,
    pendingBytes: group.pendingBytes,
    async close() {
      await group.close();
      await synced.close();
      await db.close();
    },
  };
}
