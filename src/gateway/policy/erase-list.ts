import { isUtf8 } from 'node:buffer';
import { readFile, stat } from 'node:fs/promises';
import { type Clock, every } from '../../shared/clock.js';
import { messageOf } from '../../shared/errors.js';
import type { Logger } from '../../shared/logger.js';
import { GatewayError } from '../errors.js';
import { versionOf } from '../file-version.js';

/** Users who asked to be forgotten: what comes of them is dropped. */
export interface EraseList {
  has(id: string): boolean;
  close(): void;
}

const RELOAD_INTERVAL_MS = 2_000;
const MAX_FILE_BYTES = 256 * 1024 * 1024;

/**
 * Reads a file of ids, one a line, and again whenever it changes. A change that cannot be read leaves the list as it
 * was, and is logged: nobody is let in again by a mistake in a file.
 * @throws GatewayError PS_ERASE_LIST_UNREADABLE when it cannot be read at the start.
 */
export async function openEraseList(path: string, clock: Clock, logger: Logger): Promise<EraseList> {
  let version: string;
  let ids: ReadonlySet<string>;
  try {
    version = await versionOf(path);
    ids = parseEraseList(await readBounded(path));
  } catch (cause) {
    throw new GatewayError('PS_ERASE_LIST_UNREADABLE', `gateway.eraseList ${path}: ${messageOf(cause)}`, { cause });
  }
  let failed = false;
  const reload = async () => {
    try {
      const found = await versionOf(path);
      if (found === version) return;
      ids = parseEraseList(await readBounded(path));
      version = found;
      failed = false;
      logger.info({ ids: ids.size }, 'erase list read again');
    } catch (error) {
      if (!failed) logger.error({ err: error }, 'the erase list cannot be read: it stays as it was');
      failed = true;
    }
  };
  return { has: (id) => ids.has(id), close: every(clock, RELOAD_INTERVAL_MS, reload) };
}

/** One id a line; blank lines, and those that begin with `#`, say nothing. */
function parseEraseList(text: string): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const line of text.split('\n')) {
    const id = line.trim();
    if (id !== '' && !id.startsWith('#')) ids.add(id);
  }
  return ids;
}

async function readBounded(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > MAX_FILE_BYTES) throw new Error(`larger than ${MAX_FILE_BYTES} bytes`);
  const bytes = await readFile(path);
  // Of a file in UTF-16, as some editors write it, no line would be anybody's id.
  if (!isUtf8(bytes) || bytes.includes(0)) throw new Error('not a text in UTF-8');
  return bytes.toString('utf8');
}
