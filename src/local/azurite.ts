import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { LocalError } from './errors.js';
import type { ProcessSpec } from './process-spec.js';

const ACCOUNT = 'penstock';

/**
 * Preloaded into Azurite, which is not ours, so that it ends when its supervisor is gone, however that ended. An IPC
 * channel with a listener would keep the process running after it closed its server: this one does not. The supervisor may
 * be gone before there is a listener.
 */
const EXIT_WITH_PARENT = `data:text/javascript,${encodeURIComponent(
  "const end = () => process.kill(process.pid, 'SIGTERM'); " +
    "process.channel?.unref(); process.on('disconnect', end); if (process.connected === false) end();",
)}`;

export interface AzuriteOptions {
  readonly dir: string;
  readonly port: number;
  /** Base64 account key. */
  readonly accountKey: string;
}

export function azuriteConnectionString(options: Pick<AzuriteOptions, 'port' | 'accountKey'>): string {
  const endpoint = `http://127.0.0.1:${options.port}/${ACCOUNT}`;
  return `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${options.accountKey};BlobEndpoint=${endpoint};`;
}

/** Which blobs there are, and where in the files of `EXTENTS` they lie. */
const INDEXES = ['__azurite_db_blob__.json', '__azurite_db_blob_extent__.json'];
const EXTENTS = '__blobstorage__';

/**
 * Azurite's blob service alone, on loopback, with an account key of this data folder.
 * @throws LocalError PS_LOCAL_STORAGE_CORRUPT when it would forget blobs that it has.
 */
export function azuriteProcess(options: AzuriteOptions): ProcessSpec {
  mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  for (const name of INDEXES) refuseDamaged(options.dir, name);
  return {
    name: 'azurite',
    command: process.execPath,
    args: [
      '--import',
      EXIT_WITH_PARENT,
      createRequire(import.meta.url).resolve('azurite/dist/src/blob/main.js'),
      ...['--location', options.dir, '--blobHost', '127.0.0.1', '--blobPort', String(options.port)],
      ...['--silent', '--skipApiVersionCheck', '--disableTelemetry'],
    ],
    env: { AZURITE_ACCOUNTS: `${ACCOUNT}:${options.accountKey}` },
    ready: { by: 'line', text: 'successfully listens' },
    stopSignal: 'SIGTERM',
  };
}

/**
 * Azurite begins with no blobs where an index is missing or empty, and removes what is in its files; of one that it cannot
 * parse it says no name. It replaces them whole, so that `kill -9` leaves none of these.
 */
function refuseDamaged(dir: string, name: string): void {
  const file = join(dir, name);
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (text === '' ? !holdsBytes(join(dir, EXTENTS)) : isJson(text)) return;
  const advice = `bring ${dir} back from a copy, or move it away to go on without the files of Capture that are in it`;
  const message = `${file} is missing or damaged: ${advice}; figures are made anew from what the hub has`;
  throw new LocalError('PS_LOCAL_STORAGE_CORRUPT', message, { facts: { file } });
}

const holdsBytes = (folder: string): boolean =>
  existsSync(folder) && readdirSync(folder).some((name) => statSync(join(folder, name)).size > 0);

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
