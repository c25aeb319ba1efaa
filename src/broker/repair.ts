import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Clock } from '../shared/clock.js';
import {
  createMendDisk,
  createNodeDisk,
  findLogDamage,
  findUnknown,
  type KnownLog,
  mendLogs,
  putAwayUnknown,
} from './log/index.js';
import { deletedLogsOf, hubLogsOf, recountStores } from './namespace/index.js';
import { brokerFolders } from './options.js';
import {
  type Damage,
  ensureUnlocked,
  type Loss,
  mendStore,
  openLevelStore,
  type Store,
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
  const { logs, ids } = isWhole ? await knownLogs(store) : NO_LOGS;
  const disk = createNodeDisk(hubs);
  const ofHubs = [...(isWhole ? await findUnknown(disk, ids) : []), ...(await findLogDamage(disk, logs))];
  found.push(...ofHubs.map(({ file, what }) => ({ file: join(basename(hubs), file), what })));
  if (existsSync(repairing)) found.push({ file: repairing, what: 'says that a repair did not end' });
  return found;
}

async function findDatabaseDamage(store: string): Promise<readonly Damage[]> {
  const { damage } = await verifyDatabase(store, { thorough: true });
  if (damage.length > 0 || !existsSync(join(store, 'CURRENT'))) return damage;
  const unsound = await sweepValues(store, { remove: false });
  return unsound > 0 ? [{ file: store, what: `has ${unsound} values that are not what was written` }] : [];
}

interface KnownLogs {
  readonly logs: readonly KnownLog[];
  /** Of these, and of those whose hub was deleted. */
  readonly ids: ReadonlySet<number>;
}

const NO_LOGS: KnownLogs = { logs: [], ids: new Set() };

async function knownLogs(location: string): Promise<KnownLogs> {
  const store = await openLevelStore(location);
  try {
    return await knownLogsOf(store);
  } finally {
    await store.close();
  }
}

async function knownLogsOf(store: Store): Promise<KnownLogs> {
  const logs = await hubLogsOf(store);
  return { logs, ids: new Set([...logs.map(({ id }) => id), ...(await deletedLogsOf(store))]) };
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

/** @param recount whether the database may have lost something: then counters are not true */
async function mendHubs({ location, hubs, keptIn }: Places, recount: boolean): Promise<Loss[]> {
  const store = await openLevelStore(location);
  try {
    if (recount) await recountStores(store);
    const { logs, ids } = await knownLogsOf(store);
    const disk = createMendDisk(hubs, join(keptIn, basename(hubs)));
    const moved = await putAwayUnknown(disk, ids);
    const mended = await mendLogs(disk, logs);
    return [...moved, ...mended].map(({ file, mended: what }) => ({
      file: join(basename(hubs), file),
      what,
    }));
  } finally {
    await store.close();
  }
}
