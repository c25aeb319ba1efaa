import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CancelTimer, Clock } from '../../shared/clock.js';
import type { Logger } from '../../shared/logger.js';
import { readSharedSecret } from '../shared-secret.js';
import { decodeBlocks, encodeBlock } from './block.js';
import { ENTRY_WORDS, type Entry, writeEntry } from './entry.js';
import { FINGERPRINT_KEY_BYTES, type FingerprintKey, readFingerprintKey } from './fingerprint.js';

/**
 * What all gateways of a folder have accepted, written down so that the next one knows it, and the others beside it. It is
 * an aid and no promise: it is never synced, and what could not be written is left out. Only events that are durable
 * already are written down, so that whatever is found in it is true.
 */
export interface Journal {
  readonly key: FingerprintKey;
  append(entry: Entry): void;
  /** Entries that others have written, in order: the first time all, then those that are new. */
  readOthers(): Promise<readonly Int32Array[]>;
  /** Writes what has gathered. Never rejects. */
  close(): Promise<void>;
}

export interface JournalDeps {
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'warn'>;
}

export interface JournalOptions {
  /** What is older is of no use to anybody. */
  readonly ageMs: number;
  /** Most bytes of all files together. */
  readonly maxBytes: number;
}

export type OpenJournal = (options: JournalOptions) => Promise<Journal>;

const FLUSH_MS = 100;
const SEGMENT_AGE_MS = 3_600_000;
/** Files in which the most bytes are shared out: one at a time is removed. */
const SEGMENTS = 8;
/** Entries that may gather while the disk is busy; more are left out. */
const MAX_GATHERED = 1 << 16;
const SEGMENT_NAME = /^[0-9a-z]{9}-[0-9a-f]{8}\.ids$/;

/** @throws the error of the file system when the folder cannot be used */
export async function openJournal(folder: string, deps: JournalDeps, options: JournalOptions): Promise<Journal> {
  const { clock, logger } = deps;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const keyBytes = shareKey(folder, randomBytes(FINGERPRINT_KEY_BYTES), logger);
  const key = readFingerprintKey(keyBytes);
  const writer = randomBytes(4).toString('hex');
  const isOwn = (name: string) => name.includes(writer);
  /** How far the files of others have been read. */
  const offsets = new Map<string, number>();
  /** Files of others that could not be read, each of which is told of once. */
  const unreadable = new Set<string>();

  let gathered = new Int32Array(1024 * ENTRY_WORDS);
  let count = 0;
  let segment: { path: string; bytes: number; startedMs: number } | undefined;
  let writing = Promise.resolve();
  let cancelFlush: CancelTimer | undefined;
  let failing = false;

  function append(entry: Entry): void {
    if (count === MAX_GATHERED) return;
    if ((count + 1) * ENTRY_WORDS > gathered.length) {
      const larger = new Int32Array(gathered.length * 2);
      larger.set(gathered);
      gathered = larger;
    }
    writeEntry(gathered, count++ * ENTRY_WORDS, entry);
    cancelFlush ??= clock.setTimer(() => void flush(), FLUSH_MS);
  }

  /** One block at a time, in order. */
  function flush(): Promise<void> {
    cancelFlush?.();
    cancelFlush = undefined;
    writing = writing.then(async () => {
      if (count === 0) return;
      const block = encodeBlock(gathered.subarray(0, count * ENTRY_WORDS));
      count = 0;
      await write(block);
    });
    return writing;
  }

  async function write(block: Buffer): Promise<void> {
    try {
      await put(block).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
        // The folder was removed.
        segment = undefined;
        return put(block);
      });
      failing = false;
    } catch (error) {
      // Half a block may be there: nobody reads past it.
      segment = undefined;
      if (!failing)
        logger.warn({ err: error }, 'ids cannot be written down: after a restart a retry is sent once more');
      failing = true;
    }
  }

  async function put(block: Buffer): Promise<void> {
    segment = (await usable(segment, block.length)) ?? (await begin());
    await writeFile(segment.path, block, { flag: 'a', mode: 0o600 });
    segment.bytes += block.length;
  }

  async function usable(current: typeof segment, bytes: number): Promise<typeof segment> {
    if (current === undefined || clock.now() - current.startedMs > SEGMENT_AGE_MS) return undefined;
    return current.bytes + bytes > options.maxBytes / SEGMENTS ? undefined : current;
  }

  async function begin(): Promise<NonNullable<typeof segment>> {
    const startedMs = clock.now();
    await mkdir(folder, { recursive: true, mode: 0o700 });
    shareKey(folder, keyBytes, logger);
    await prune(startedMs);
    return { path: join(folder, `${startedMs.toString(36).padStart(9, '0')}-${writer}.ids`), bytes: 0, startedMs };
  }

  async function prune(nowMs: number): Promise<void> {
    let bytes = 0;
    for (const name of (await segmentsIn(folder)).reverse()) {
      const { size, mtimeMs } = await stat(join(folder, name));
      bytes += size;
      const isUseless = nowMs - mtimeMs > options.ageMs || bytes > options.maxBytes;
      if (isUseless) await rm(join(folder, name), { force: true });
    }
  }

  async function readOthers(): Promise<readonly Int32Array[]> {
    const names = (await segmentsIn(folder)).filter((name) => !isOwn(name));
    for (const name of offsets.keys()) if (!names.includes(name)) offsets.delete(name);
    const read: Int32Array[] = [];
    for (const name of names) read.push(...(await readOther(name)));
    return read;
  }

  async function readOther(name: string): Promise<readonly Int32Array[]> {
    const offset = offsets.get(name) ?? 0;
    try {
      const { blocks, bytes } = decodeBlocks(await readFrom(join(folder, name), offset));
      offsets.set(name, offset + bytes);
      return blocks;
    } catch (error) {
      if (!unreadable.has(name)) {
        logger.warn({ err: error, file: join(folder, name) }, 'a file of ids cannot be read: others are');
      }
      unreadable.add(name);
      return [];
    }
  }

  return { key, append, readOthers, close: flush };
}

async function segmentsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return [];
  });
  return names.filter((name) => SEGMENT_NAME.test(name)).sort();
}

/** What a file has beyond `offset`; nothing when it has just been removed. */
async function readFrom(path: string, offset: number): Promise<Buffer> {
  try {
    if ((await stat(path)).size <= offset) return Buffer.alloc(0);
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const bytes = Buffer.alloc(Math.max(0, size - offset));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, offset);
      return bytes.subarray(0, bytesRead - (bytesRead % Int32Array.BYTES_PER_ELEMENT));
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

/** Of a damaged one nothing can be had that was written down under it. */
function shareKey(folder: string, fresh: Buffer, logger: JournalDeps['logger']): Buffer {
  return readSharedSecret(join(folder, 'key'), {
    fresh,
    onDamaged: (file) =>
      logger.warn({ file }, 'the key of the ids is damaged: a new one is made, and a retry is sent once more'),
  });
}
