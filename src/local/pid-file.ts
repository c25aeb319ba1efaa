import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeDataDir } from '../shared/config/index.js';
import { LocalError } from './errors.js';

/**
 * Claims a data folder for this process.
 * @returns the function that gives it back.
 * @throws LocalError PS_LOCAL_RUNNING while another instance holds it; ConfigError PS_CONFIG_INVALID when nothing can be
 * written there.
 */
export function claimDataDir(dataDir: string, pid: number): () => void {
  const path = join(dataDir, 'penstock.pid');
  const own = `${path}.${pid}`;
  makeDataDir(dataDir, () => writeFileSync(own, `${pid}\n`, { mode: 0o600 }));
  // Of two starts at one moment only one links the file, and nobody ever sees it without its content.
  while (!tryLink(own, path)) {
    const holder = Number(readFileSync(path, 'utf8'));
    if (holder !== pid && isPenstock(holder)) {
      rmSync(own, { force: true });
      throw new LocalError(
        'PS_LOCAL_RUNNING',
        `${dataDir} is in use by process ${holder}: stop it, or choose another --data-dir`,
      );
    }
    // Left behind by an instance that was killed.
    rmSync(path, { force: true });
  }
  rmSync(own, { force: true });
  return () => rmSync(path, { force: true });
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

/** Whether the process lives and, where the system can tell, is a Penstock: ids are used again. */
function isPenstock(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return commandLine.some((word) => /(?:penstock|main\.js|start\.mjs)$/.test(word));
  } catch {
    return true;
  }
}
