import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
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
