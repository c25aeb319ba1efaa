import { constants } from 'node:fs';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { type CancelTimer, type Clock, systemClock } from '../clock.js';
import { LOG, logName } from './names.js';

/**
 * How far the log of a database is known to be on disk. LevelDB takes a log that is empty, or ends in zeros, for one whose last
 * write was cut off; who wrote it down knows better. Written beside the database and never synced itself: what it says was
 * true before it was written, and where it is missing or older, less is noticed.
 */
export interface Synced {
  readonly log: string;
  readonly bytes: number;
}

/** LevelDB leaves files alone whose names are none of its own. */
export const SYNCED = 'SYNCED';

/** `log bytes checksum`, of one length always: it is written over the one before, and no crash leaves half of it. */
const DIGITS = 16;
const NOTE = /^(\d{16} \d{16}) ([0-9a-f]{8})\n$/;

const NOTE_EVERY_MS = 100;

export async function readSynced(location: string): Promise<Synced | undefined> {
  const text = await readFile(join(location, SYNCED), 'latin1').catch(() => '');
  const [, numbers = '', sum] = NOTE.exec(text) ?? [];
  if (sum === undefined || Number.parseInt(sum, 16) !== crc32(numbers)) return undefined;
  const [log, bytes] = numbers.split(' ').map(Number) as [number, number];
  return { log: logName(log), bytes };
}

/** How many bytes of a log were on disk for sure; 0 where that is not known. */
export const syncedBytesOf = (synced: Synced | undefined, log: string): number =>
  synced?.log === log ? synced.bytes : 0;

function encode(log: number, bytes: number): string {
  const numbers = [log, bytes].map((value) => String(value).padStart(DIGITS, '0')).join(' ');
  return `${numbers} ${crc32(numbers).toString(16).padStart(8, '0')}\n`;
}

/** The log that is written to, as it is on disk while nothing is being written. */
async function newestLog(location: string): Promise<{ number: number; bytes: number }> {
  const numbers = (await readdir(location)).flatMap((name) => LOG.exec(name)?.[1] ?? []).map(Number);
  const number = Math.max(...numbers);
  return { number, bytes: (await stat(join(location, logName(number)))).size };
}

/** Notes how far the log of an open database is on disk. Never rejects: it is an aid, and its disk may be full. */
export async function createSyncedNote(location: string, clock: Clock = systemClock) {
  const file = await open(join(location, SYNCED), constants.O_WRONLY | constants.O_CREAT, 0o600).catch(() => undefined);
  let notedAtMs = Number.NEGATIVE_INFINITY;
  /** Whether there is more to note; not of a write that failed, of which any part may be there. */
  let isStale = false;
  let cancel: CancelTimer | undefined;
  let noting: Promise<void> | undefined;

  async function note(): Promise<void> {
    notedAtMs = clock.now();
    try {
      const { number, bytes } = await newestLog(location);
      await file?.write(encode(number, bytes), 0);
      isStale = false;
    } catch {
      // The write that fails on this disk tells.
    }
  }

  /** What came since the last note, though nothing may come after it. */
  function noteLater(): void {
    cancel ??= clock.setTimer(() => {
      cancel = undefined;
      if (isStale) noting = note();
    }, NOTE_EVERY_MS);
  }

  return {
    /** Around each synced write, one after the other: it is noted before anybody is told of it. */
    async around(write: () => Promise<unknown>): Promise<void> {
      isStale = false;
      // It looks at a log that nobody writes to.
      await noting;
      await write();
      isStale = true;
      // A clock that is set back must not stop it.
      if (Math.abs(clock.now() - notedAtMs) < NOTE_EVERY_MS) return noteLater();
      await note();
    },
    /** To be called when nothing is written any more, before the database is closed. */
    async close(): Promise<void> {
      cancel?.();
      await noting;
      if (isStale) await note();
      await file?.close();
    },
  };
}
