import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../shared/clock.js';
import { recountStores } from './namespace/index.js';
import { brokerFolders } from './options.js';
import {
  type Damage,
  ensureUnlocked,
  type Loss,
  mendDatabase,
  openLevelStore,
  sweepValues,
  verifyDatabase,
} from './store/index.js';

export interface RepairReport {
  readonly losses: readonly Loss[];
  /** Where the files are as they were. */
  readonly keptIn: string;
}

/**
 * Reads the whole database of messages of a broker that does not run, and says what of it is damaged.
 * @throws BrokerError PS_BROKER_STORE_LOCKED.
 */
export async function findBrokerDamage(dataDir: string): Promise<readonly Damage[]> {
  const { store, repairing } = brokerFolders(dataDir);
  await ensureUnlocked(store);
  const { damage } = await verifyDatabase(store, { thorough: true });
  if (damage.length === 0 && existsSync(join(store, 'CURRENT'))) {
    const unsound = await sweepValues(store, { remove: false });
    if (unsound > 0) return [{ file: store, what: `has ${unsound} values that are not what was written` }];
  }
  return existsSync(repairing) ? [...damage, { file: repairing, what: 'says that a repair did not end' }] : damage;
}

/**
 * Makes a damaged database one that a broker starts with, without what cannot be read, and its counters true.
 * @throws BrokerError PS_BROKER_STORE_LOCKED, or PS_BROKER_STORE_CORRUPT when that is not possible.
 */
export async function repairBroker(dataDir: string, clock: Clock): Promise<RepairReport> {
  const { root, store: location, repairing } = brokerFolders(dataDir);
  await ensureUnlocked(location);
  // Until the counters are true no broker starts.
  await writeFile(repairing, '');
  const keptIn = join(root, 'damaged', new Date(clock.now()).toISOString().replaceAll(':', ''));
  const losses = [...(await mendDatabase(location, keptIn))];
  const unsound = await sweepValues(location, { remove: true });
  if (unsound > 0) losses.push({ file: location, what: `lost ${unsound} values that were not what was written` });
  const store = await openLevelStore(location);
  try {
    await recountStores(store);
  } finally {
    await store.close();
  }
  await rm(repairing);
  return { losses, keptIn };
}
