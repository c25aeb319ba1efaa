import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Clock } from '../shared/clock.js';
import { createMendDisk, createNodeDisk, findLogDamage, type KnownLog, mendLogs, putAwayUnknown } from './log/index.js';
import { hubLogsOf, recountStores } from './namespace/index.js';
import { brokerFolders } from './options.js';
import {
  type Damage,
  ensureUnlocked,
  type Loss,
  mendStore,
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
 * Reads the whole database of messages of a broker that does not run, and the events of its hubs, and says what of them
 * is damaged.
 * @throws BrokerError PS_BROKER_STORE_LOCKED.
 */
export async function findBrokerDamage(dataDir: string): Promise<readonly Damage[]> {
  const { store, hubs, repairing } = brokerFolders(dataDir);
  await ensureUnlocked(store);
  const found = [...(await findDatabaseDamage(store))];
  const isWhole = found.length === 0 && existsSync(join(store, 'CURRENT'));
  for (const { file, what } of await findLogDamage(createNodeDisk(hubs), isWhole ? await knownLogs(store) : [])) {
    found.push({ file: join(basename(hubs), file), what });
  }
  if (existsSync(repairing)) found.push({ file: repairing, what: 'says that a repair did not end' });
  return found;
}

async function findDatabaseDamage(store: string): Promise<readonly Damage[]> {
  const { damage } = await verifyDatabase(store, { thorough: true });
  if (damage.length > 0 || !existsSync(join(store, 'CURRENT'))) return damage;
  const unsound = await sweepValues(store, { remove: false });
  return unsound > 0 ? [{ file: store, what: `has ${unsound} values that are not what was written` }] : [];
}

async function knownLogs(location: string): Promise<readonly KnownLog[]> {
  const store = await openLevelStore(location);
  try {
    return await hubLogsOf(store);
  } finally {
    await store.close();
  }
}

/**
 * Makes damaged files such that a broker starts with them, without what cannot be read, and its counters true.
 * @throws BrokerError PS_BROKER_STORE_LOCKED, or PS_BROKER_STORE_CORRUPT when that is not possible.
 */
export async function repairBroker(dataDir: string, clock: Clock): Promise<RepairReport> {
  const { root, store: location, hubs, repairing } = brokerFolders(dataDir);
  await ensureUnlocked(location);
  const isSecondTry = existsSync(repairing);
  const isMissing = !existsSync(join(location, 'CURRENT'));
  // Until the counters are true no broker starts.
  await writeFile(repairing, '');
  const keptIn = join(root, 'damaged', new Date(clock.now()).toISOString().replaceAll(':', ''));
  const losses = [...(await mendStore(location, keptIn))];
  const unsound = await sweepValues(location, { remove: true });
  if (unsound > 0) losses.push({ file: location, what: `lost ${unsound} values that were not what was written` });
  const recount = isSecondTry || isMissing || losses.length > 0;
  losses.push(...(await mendHubs({ location, hubs, keptIn }, recount)));
  await rm(repairing);
  return { losses, keptIn };
}

interface Places {
  readonly location: string;
  readonly hubs: string;
  readonly keptIn: string;
}

/** @param recount whether the database may have lost something: then counters are not true, and hubs may be unknown */
async function mendHubs({ location, hubs, keptIn }: Places, recount: boolean): Promise<Loss[]> {
  const store = await openLevelStore(location);
  try {
    if (recount) await recountStores(store);
    const known = await hubLogsOf(store);
    const disk = createMendDisk(hubs, join(keptIn, basename(hubs)));
    const moved = recount ? await putAwayUnknown(disk, known) : [];
    const mended = await mendLogs(disk, known);
    return [...moved, ...mended].map(({ file, mended: what }) => ({
      file: join(basename(hubs), file),
      what,
    }));
  } finally {
    await store.close();
  }
}
