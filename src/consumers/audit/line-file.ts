import { type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../shared/clock.js';
import { messageOf } from '../../shared/errors.js';
import { ConsumerError } from '../errors.js';

/** Appends lines to one file a day. */
export interface LineFile {
  /** Resolves once the line is on disk (fsync). Lines that wait at the same moment share one fsync. */
  append(line: string): Promise<void>;
  close(): Promise<void>;
}

interface Waiting {
  readonly line: string;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface OpenFile {
  readonly date: string;
  readonly handle: FileHandle;
}

/** Files are `<folder>/<UTC date>.ndjson`, readable by their owner only. */
export function createLineFile(folder: string, clock: Clock): LineFile {
  let waiting: Waiting[] = [];
  let writing: Promise<void> | undefined;
  let current: OpenFile | undefined;

  const pathOf = (date: string) => join(folder, `${date}.ndjson`);
  const fileOfToday = async (): Promise<OpenFile> => {
    const date = new Date(clock.now()).toISOString().slice(0, 10);
    if (current?.date === date) return current;
    await current?.handle.close();
    current = undefined;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const opened = { date, handle: await openWhole(pathOf(date)) };
    current = opened;
    // The folder too, so that a new file is still there after a crash.
    const directory = await open(folder, 'r');
    await directory.sync().finally(() => directory.close());
    return opened;
  };
  /** A file that was removed or moved away takes what is written as before, and nobody finds it there. */
  const writeInPlace = async (text: string) => {
    for (;;) {
      const { date, handle } = await fileOfToday();
      await handle.appendFile(text);
      await handle.datasync();
      if (await isAt(pathOf(date), handle)) return;
      await handle.close();
      current = undefined;
    }
  };
  const writeGroup = async () => {
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      try {
        await writeInPlace(group.map(({ line }) => `${line}\n`).join(''));
        for (const { resolve } of group) resolve();
      } catch (cause) {
        // What was written of the group is unknown: the file is opened, and mended, anew.
        await current?.handle.close().catch(() => {});
        current = undefined;
        const error = new ConsumerError('PS_AUDIT_WRITE', messageOf(cause), { cause });
        for (const { reject } of group) reject(error);
      }
    }
    // In the same step as the look at who waits: a line that comes next begins a new round.
    writing = undefined;
  };
  return {
    append(line) {
      return new Promise((resolve, reject) => {
        waiting.push({ line, resolve, reject });
        writing ??= writeGroup();
      });
    },
    async close() {
      await writing;
      await current?.handle.close();
      current = undefined;
    },
  };
}

async function isAt(path: string, handle: FileHandle): Promise<boolean> {
  try {
    const [there, ours] = await Promise.all([stat(path), handle.stat()]);
    return there.ino === ours.ino && there.dev === ours.dev;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

const NEWLINE = 10;

/** Opens for appending. A line that a crash cut short is ended, so that it spoils no other. */
async function openWhole(path: string): Promise<FileHandle> {
  const handle = await open(path, 'a+', 0o600);
  try {
    const { size } = await handle.stat();
    if (size > 0) {
      const last = Buffer.alloc(1);
      await handle.read(last, 0, 1, size - 1);
      if (last[0] !== NEWLINE) await handle.appendFile('\n');
    }
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}
