import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeDataDir } from '../shared/config/index.js';
import { LocalError } from './errors.js';
import { folderOf, startOf } from './identity.js';

/**
 * Claims a data folder for this process.
 * @returns the function that gives it back.
 * @throws LocalError PS_LOCAL_RUNNING while another instance holds it; ConfigError PS_CONFIG_INVALID when nothing can be
 * written there.
 */
export function claimDataDir(dataDir: string, pid: number): () => void {
  const path = join(dataDir, 'penstock.pid');
  const own = `${path}.${pid}`;
  makeDataDir(dataDir, () => writeWhole(own, `${pid}\n${startOf(pid)}\n${folderOf(dataDir)}\n`));
  try {
    // Of two starts at one moment only one links the file, and nobody ever sees it without its content.
    while (!tryLink(own, path)) {
      const left = read(path);
      refuseIfHeld(left, dataDir, pid);
      if (left !== undefined && takeOver(own, { path, left, dataDir, pid })) break;
    }
  } finally {
    rmSync(own, { force: true });
  }
  return () => rmSync(path, { force: true });
}

/** A disk that is full leaves no empty file of each start behind. */
function writeWhole(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o600 });
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}

interface LeftClaim {
  readonly path: string;
  /** What an instance that was killed has written there. */
  readonly left: string;
  readonly dataDir: string;
  readonly pid: number;
}

/** Puts the own claim in place of one that was left. One process at a time: a second one would replace the first one's. */
function takeOver(own: string, { path, left, dataDir, pid }: LeftClaim): boolean {
  const turn = `${path}.turn`;
  if (!tryLink(own, turn)) {
    refuseIfHeld(read(turn), dataDir, pid);
    rmSync(turn, { force: true });
    return false;
  }
  try {
    if (read(path) !== left) return false;
    renameSync(own, path);
    return true;
  } finally {
    rmSync(turn, { force: true });
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Undefined when it is gone. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A claim holds while its process lives, and in the folder that was claimed: not in a copy of it. */
function refuseIfHeld(claim: string | undefined, dataDir: string, pid: number): void {
  const [holder, start, folder] = claim?.split('\n') ?? [];
  if (folder !== folderOf(dataDir) || start !== startOf(Number(holder)) || Number(holder) === pid) return;
  throw new LocalError(
    'PS_LOCAL_RUNNING',
    `${dataDir} is in use by process ${holder}: stop it, or choose another --data-dir`,
  );
}
