import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { type Clock, every } from '../../shared/clock.js';
import { messageOf } from '../../shared/errors.js';
import type { Logger } from '../../shared/logger.js';
import { GatewayError } from '../errors.js';
import { versionOf } from '../file-version.js';
import { createIdSet, type IdSet } from './id-set.js';

/** Users who asked to be forgotten: what comes of them is dropped. */
export interface EraseList {
  has(id: string): boolean;
  close(): void;
}

const RELOAD_INTERVAL_MS = 2_000;
const MAX_FILE_BYTES = 256 * 1024 * 1024;
/** Some milliseconds of work. */
const PIECE_BYTES = 64 * 1024;

/** What it needs from outside. */
export interface EraseListDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Chosen at random: see createIdSet. */
  readonly key: readonly [number, number];
}

/**
 * Reads a file of ids, one a line, and again whenever it changes. A change that cannot be read leaves the list as it
 * was, and is logged: nobody is let in again by a mistake in a file.
 * @throws GatewayError PS_ERASE_LIST_UNREADABLE when it cannot be read at the start.
 */
export async function openEraseList(path: string, { clock, logger, key }: EraseListDeps): Promise<EraseList> {
  let version: string;
  let ids: IdSet;
  try {
    version = await versionOf(path);
    ids = await readEraseList(path, key);
  } catch (cause) {
    throw new GatewayError('PS_ERASE_LIST_UNREADABLE', `gateway.eraseList ${path}: ${messageOf(cause)}`, { cause });
  }
  let failed = false;
  const reload = async () => {
    try {
      const found = await versionOf(path);
      if (found === version) return;
      ids = await readEraseList(path, key);
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

/**
 * One id a line; blank lines, and those that begin with `#`, say nothing. It is read in pieces, since millions of ids take
 * seconds, and the gateway has requests to answer meanwhile.
 */
async function readEraseList(path: string, key: EraseListDeps['key']): Promise<IdSet> {
  const { size } = await stat(path);
  if (size > MAX_FILE_BYTES) throw new Error(`larger than ${MAX_FILE_BYTES} bytes`);
  const ids = createIdSet(key);
  const addLine = (line: string) => {
    const id = line.trim();
    if (id !== '' && !id.startsWith('#')) ids.add(id);
  };
  let rest = '';
  for await (const text of textOf(path)) {
    const end = text.lastIndexOf('\n');
    rest += text.slice(0, end + 1);
    if (end >= 0) {
      for (const line of rest.split('\n')) addLine(line);
      rest = '';
    }
    rest += text.slice(end + 1);
  }
  addLine(rest);
  return ids;
}

/** @throws Error where it is not UTF-8. Of a file in UTF-16, as some editors write it, no line would be anybody's id. */
async function* textOf(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (bytes?: Buffer) => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined });
    } catch (cause) {
      throw new Error('not a text in UTF-8', { cause });
    }
  };
  for await (const bytes of createReadStream(path, { highWaterMark: PIECE_BYTES }) as AsyncIterable<Buffer>) {
    if (bytes.includes(0)) throw new Error('not a text in UTF-8');
    yield decode(bytes);
  }
  yield decode();
}
