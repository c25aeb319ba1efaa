import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, delay } from '../shared/clock.js';
import type { Logger } from '../shared/logger.js';
import { folderOf, startOf } from './identity.js';

/** Without what they use parts take longer to stop, for nothing: what was accepted survives that they are killed. */
const STOP_MS = 3_000;
const KILL_MS = 2_000;
const POLL_MS = 20;

/** The processes that an instance has started, on disk, so that the next start finds those that a killed one has left. */
export interface PartList {
  add(pid: number): void;
  remove(pid: number): void;
}

export function openPartList(dataDir: string): PartList {
  const path = fileOf(dataDir);
  const parts = new Map<number, string>();
  const folder = folderOf(dataDir);
  const text = () => [folder, ...[...parts].map(([pid, start]) => `${pid} ${start}`), ''].join('\n');
  const write = () => {
    try {
      writeFileSync(`${path}.tmp`, text(), { mode: 0o600 });
      renameSync(`${path}.tmp`, path);
    } catch {
      // A disk that is full: what runs matters more than what is known of it.
    }
  };
  return {
    add(pid) {
      const start = startOf(pid);
      if (start === undefined) return;
      parts.set(pid, start);
      write();
    },
    remove(pid) {
      if (parts.delete(pid)) write();
    },
  };
}

interface LeftPartsDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborted when nobody waits any more. */
  readonly givenUp?: AbortSignal;
}

/**
 * Ends what an instance that was killed has left, and resolves when it is gone. Parts end by themselves when their supervisor
 * is gone, all but Redis; but until they have they hold ports and files, and Azurite writes to its own while it stops.
 */
export async function endLeftParts(dataDir: string, { clock, logger, givenUp }: LeftPartsDeps): Promise<void> {
  const left = readList(dataDir);
  const running = () => left.filter(({ pid, start }) => startOf(pid) === start);
  const end = async (signal: NodeJS.Signals, withinMs: number) => {
    const ending = running();
    if (ending.length === 0) return;
    logger.warn({ signal, pids: ending.map(({ pid }) => pid) }, 'parts of an instance that was killed are ended');
    for (const { pid } of ending) send(pid, signal);
    for (let waitedMs = 0; waitedMs < withinMs && running().length > 0 && !givenUp?.aborted; waitedMs += POLL_MS)
      await delay(clock, POLL_MS, givenUp);
  };
  await end('SIGTERM', STOP_MS);
  if (!givenUp?.aborted) await end('SIGKILL', KILL_MS);
}

/** Whether parts were ever started in this folder. */
export const hasHadParts = (dataDir: string): boolean => existsSync(fileOf(dataDir));

const fileOf = (dataDir: string) => join(dataDir, 'parts.pids');

/** Of a copy of a folder the parts are those of the original, which are no business of ours. */
function readList(dataDir: string): { readonly pid: number; readonly start: string }[] {
  if (!existsSync(fileOf(dataDir))) return [];
  const [folder, ...lines] = readFileSync(fileOf(dataDir), 'utf8').split('\n');
  if (folder !== folderOf(dataDir)) return [];
  return lines
    .map((line) => {
      const space = line.indexOf(' ');
      return { pid: Number(line.slice(0, Math.max(0, space))), start: line.slice(space + 1) };
    })
    .filter(({ pid }) => Number.isSafeInteger(pid) && pid > 0);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended in the meantime.
  }
}
