import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
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

/** Azurite's blob service alone, on loopback, with an account key of this data folder. */
export function azuriteProcess(options: AzuriteOptions): ProcessSpec {
  mkdirSync(options.dir, { recursive: true, mode: 0o700 });
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
