import { existsSync } from 'node:fs';
import { access, constants, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, every } from '../shared/clock.js';
import { messageOf } from '../shared/errors.js';
import { BrokerError } from './errors.js';
import type { brokerFolders } from './options.js';

type Folders = ReturnType<typeof brokerFolders>;

/**
 * What only together makes a broker's data has to be there together: where the database alone is gone, a new one would know
 * of no hub, and with it would go the events of all of them.
 * @throws BrokerError PS_BROKER_STORE_CORRUPT.
 */
export async function ensureComplete({ store, hubs, repairing }: Folders): Promise<void> {
  if (existsSync(repairing)) {
    throw new BrokerError(
      'PS_BROKER_STORE_CORRUPT',
      `${store} is in the middle of a repair that did not end: run \`penstock broker repair\` again`,
      { facts: { file: repairing } },
    );
  }
  if (existsSync(join(store, 'CURRENT')) || !existsSync(hubs) || (await readdir(hubs)).length === 0) return;
  // A damaged database says more itself.
  if (existsSync(store) && (await readdir(store)).some((name) => name.endsWith('.ldb') || name.endsWith('.log')))
    return;
  throw new BrokerError(
    'PS_BROKER_STORE_CORRUPT',
    `the database ${store} is missing, and ${hubs} has events: bring it back from a copy, or remove both to begin anew`,
    { facts: { file: store } },
  );
}

const WHY_NOT: Readonly<Record<string, string>> = {
  ENOTDIR: 'it is a file, or in the place of one of its folders is a file',
  EEXIST: 'it is a file',
  ENOENT: 'a folder on the way to it cannot be made',
  EROFS: 'its file system is read-only',
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
};

/**
 * Makes the folder where it is missing.
 * @throws BrokerError PS_BROKER_DATA_DIR when nothing can be written there.
 */
export async function ensureWritable({ root, store, hubs, security }: Folders): Promise<void> {
  const { R_OK, W_OK, X_OK } = constants;
  let folder = root;
  try {
    await mkdir(root, { recursive: true, mode: 0o700 });
    for (folder of [root, store, hubs, security]) if (existsSync(folder)) await access(folder, R_OK | W_OK | X_OK);
  } catch (cause) {
    const why = WHY_NOT[(cause as NodeJS.ErrnoException).code ?? ''];
    if (why === undefined) throw cause;
    const message = `the data folder ${folder} cannot be used: ${why} (${messageOf(cause)})`;
    throw new BrokerError('PS_BROKER_DATA_DIR', message, { cause, facts: { file: folder } });
  }
}

const LOOK_EVERY_MS = 1000;
const GONE: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR']);

/** What tells one file or folder from another that took its place; undefined where there is none. */
async function identityOf(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    if (GONE.has((error as NodeJS.ErrnoException).code)) return undefined;
    throw error;
  }
}

export interface FolderWatch {
  readonly clock: Clock;
  readonly onGone: (error: BrokerError) => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Looks whether the files are still where the next start would look for them: what is written to a file that was removed
 * succeeds, and is gone with the process. Call it once the store is open.
 * @returns stops looking
 */
export async function watchFolders({ store, hubs }: Folders, watch: FolderWatch): Promise<() => void> {
  // LevelDB holds this file as long as it has the database open, and never makes it anew.
  const lock = join(store, 'LOCK');
  // There from now on, not only with the first event.
  await mkdir(hubs, { recursive: true, mode: 0o700 });
  const known = new Map([
    [lock, await identityOf(lock)],
    [hubs, await identityOf(hubs)],
  ]);
  const stop = every(watch.clock, LOOK_EVERY_MS, async () => {
    try {
      for (const [path, identity] of known) {
        if ((await identityOf(path)) === identity) continue;
        stop();
        const message = `${path} was removed or replaced while the broker ran: what was in it is lost, and nothing more is taken`;
        watch.onGone(new BrokerError('PS_BROKER_DATA_DIR', message, { facts: { file: path } }));
        return;
      }
    } catch (error) {
      watch.onError(error);
    }
  });
  return stop;
}
