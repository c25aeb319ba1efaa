import { readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** The spool of a worker. That of the first is also that of a gateway of one process. */
export function spoolFolder(dataDir: string, worker: number): string {
  return join(dataDir, 'gateway', worker === 0 ? 'spool' : `spool-${worker}`);
}

/** Workers that there were once, and whose spools are still there. */
export function formerWorkers(dataDir: string, workers: number): number[] {
  return foldersIn(join(dataDir, 'gateway'))
    .map((name) => Number(/^spool-(\d{1,3})$/.exec(name)?.[1] ?? Number.NaN))
    .filter((worker) => worker >= workers);
}

/** Under another name first: half a spool would look like a damaged one. */
export function removeSpool(folder: string): void {
  const gone = `${folder}-emptied`;
  rmSync(gone, { recursive: true, force: true });
  renameSync(folder, gone);
  rmSync(gone, { recursive: true, force: true });
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Nothing was kept yet.
    return [];
  }
}
