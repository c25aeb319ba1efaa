import { readFileSync } from 'node:fs';
import { PenstockError } from '../shared/errors.js';

/** While a role loads its modules it has more files open than ever after: the gateway 112. */
const LEAST = 128;

/** How many files and connections a process may have open at once, from what Linux says of it; undefined for no such number. */
export function openFilesIn(limits: string): number | undefined {
  const soft = /^Max open files +(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? undefined : Number(soft);
}

/** Of this process. Undefined where it is not known; Node has raised it by then as far as it may. */
function openFilesLimit(): number | undefined {
  try {
    return openFilesIn(readFileSync('/proc/self/limits', 'utf8'));
  } catch {
    // Not Linux.
    return undefined;
  }
}

/**
 * With too few, modules cannot be opened, and Node says that they are not there.
 * @throws PenstockError PS_OPEN_FILES_TOO_FEW
 */
export function ensureOpenFiles(limit = openFilesLimit()): void {
  if (limit === undefined || limit >= LEAST) return;
  throw new PenstockError(
    'PS_OPEN_FILES_TOO_FEW',
    `a process may have ${limit} files open here, and Penstock needs ${LEAST}: raise it with ulimit -n, or LimitNOFILE of systemd`,
  );
}

/** Most connections that may be taken: half of what may be open. The rest is for files, and for connections of our own. */
export function roomForConnections(limit = openFilesLimit()): number {
  return limit === undefined ? Number.POSITIVE_INFINITY : Math.floor(limit / 2);
}
