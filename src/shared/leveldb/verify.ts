import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LOG, logName, MANIFEST, TABLE, tableName } from './names.js';
import { type LogRecord, readRecordLog } from './record-log.js';
import { readSynced, syncedBytesOf } from './synced.js';
import { readTable } from './table-file.js';
import { readVersion, type TableFile, type Version } from './version.js';
import { mayBeginBatch } from './write-batch.js';

/** Something of a database that was durable and cannot be read. */
export interface Damage {
  /** Name of the file in the folder of the database. */
  readonly file: string;
  /** Follows on the name of the file: what is wrong, and at which byte. */
  readonly what: string;
}

export interface Verdict {
  readonly damage: readonly Damage[];
  /** A manifest with an incomplete end, which LevelDB takes for damage: it has to be cut first. */
  readonly tornManifest: { readonly file: string; readonly bytes: number } | undefined;
  /** The bytes that each table should have, as far as the manifest can be read. */
  readonly sizes: ReadonlyMap<string, number>;
}

/** What LevelDB makes before CURRENT, in an empty folder. */
const FIRST_MANIFEST = 'MANIFEST-000001';

const SOUND: Verdict = { damage: [], tornManifest: undefined, sizes: new Map() };
const damaged = (file: string, what: string): Verdict => ({ ...SOUND, damage: [{ file, what }] });

export const missing = (error: unknown): undefined => {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  return undefined;
};

/**
 * Whether all that was durable in a database of LevelDB can be read, without opening it: LevelDB itself passes over
 * damaged parts of its log, and makes a new database where CURRENT is missing. Manifest and logs are read whole; of tables
 * the indexes, or with `thorough` everything.
 */
export async function verifyDatabase(location: string, { thorough = false } = {}): Promise<Verdict> {
  const names = new Set((await readdir(location).catch(missing)) ?? []);
  const manifest = await currentManifest(location, names);
  if (typeof manifest !== 'string') return manifest;
  const bytes = await readFile(join(location, manifest)).catch(missing);
  if (bytes === undefined) return damaged(manifest, 'is missing');
  const { records, damage, tornAt } = readRecordLog(bytes);
  const [first] = damage;
  if (first !== undefined) return damaged(manifest, `is damaged at byte ${first.from}`);
  if (records.length === 0) return damaged(manifest, 'has nothing whole in it');
  const version = versionOf(records);
  if (version === undefined) return damaged(manifest, 'cannot be understood');
  const found = await verifyFiles(location, version, { names, thorough });
  return {
    damage: found,
    tornManifest: tornAt === undefined ? undefined : { file: manifest, bytes: tornAt },
    sizes: new Map([...version.tables.values()].map((table) => [tableName(table.number), table.bytes])),
  };
}

/** The manifest that CURRENT names, or why there is none to read. */
async function currentManifest(location: string, names: ReadonlySet<string>): Promise<string | Verdict> {
  if (!names.has('CURRENT')) {
    const holdsData = (name: string) =>
      LOG.test(name) || TABLE.test(name) || (MANIFEST.test(name) && name !== FIRST_MANIFEST);
    const wasWritten = [...names].some(holdsData) || (await readSynced(location)) !== undefined;
    return wasWritten ? damaged('CURRENT', 'is missing') : SOUND;
  }
  const manifest = (await readFile(join(location, 'CURRENT'), 'latin1')).replace(/\n$/, '');
  return MANIFEST.test(manifest) ? manifest : damaged('CURRENT', 'names no manifest');
}

function versionOf(records: readonly LogRecord[]): Version | undefined {
  try {
    return readVersion(records);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

interface Look {
  readonly names: ReadonlySet<string>;
  readonly thorough: boolean;
}

async function verifyFiles(location: string, version: Version, look: Look): Promise<Damage[]> {
  return [...(await verifyLogs(location, version, look)), ...(await verifyTables(location, version, look))];
}

/** The logs that are read at a start, the oldest first. */
function neededLogs(names: Iterable<string>, { logNumber, prevLogNumber }: Version): number[] {
  const numbers = [...names].flatMap((name) => LOG.exec(name)?.[1] ?? []).map(Number);
  return numbers
    .filter((number) => number >= logNumber || (number === prevLogNumber && number > 0))
    .sort((a, b) => a - b);
}

async function verifyLogs(location: string, version: Version, { names }: Look): Promise<Damage[]> {
  const found: Damage[] = [];
  const { logNumber } = version;
  // It is made before a manifest names it, and removed after one names the next.
  const synced = await readSynced(location);
  const [syncedNumber = 0] = neededLogs(synced === undefined ? [] : [synced.log], version);
  for (const number of new Set([logNumber, syncedNumber])) {
    if (number > 0 && !names.has(logName(number))) found.push({ file: logName(number), what: 'is missing' });
  }
  let torn: Damage | undefined;
  for (const number of neededLogs(names, version)) {
    const file = logName(number);
    const bytes = await readFile(join(location, file));
    const { records, damage, tornAt } = readRecordLog(bytes, mayBeginBatch);
    // A log is begun when all of the one before is durable.
    if (records.length > 0 && torn !== undefined) found.push(torn);
    for (const { from } of damage) found.push({ file, what: `is damaged at byte ${from}` });
    torn = tornAt === undefined ? undefined : { file, what: `ends too early, at byte ${tornAt}` };
    const end = tornAt ?? bytes.length;
    const syncedBytes = syncedBytesOf(synced, file);
    if (end >= syncedBytes) continue;
    found.push({ file, what: `ends too early, at byte ${end}: ${syncedBytes} bytes of it were on disk` });
    torn = undefined;
  }
  return found;
}

/** Files that are looked at together. */
const AT_ONCE = 16;

async function verifyTables(location: string, { tables }: Version, { thorough }: Look): Promise<Damage[]> {
  const found: Damage[] = [];
  const waiting = [...tables.values()];
  const work = async () => {
    for (let table = waiting.pop(); table !== undefined; table = waiting.pop()) {
      found.push(...(await verifyTable(location, table, thorough)));
    }
  };
  // Whole tables are large.
  await Promise.all(Array.from({ length: thorough ? 1 : AT_ONCE }, work));
  return found.sort((a, b) => a.file.localeCompare(b.file));
}

async function verifyTable(location: string, { number, bytes }: TableFile, thorough: boolean): Promise<Damage[]> {
  const file = tableName(number);
  const size = (await stat(join(location, file)).catch(missing))?.size;
  if (size === undefined) return [{ file, what: 'is missing' }];
  if (size !== bytes) return [{ file, what: `has ${size} bytes instead of ${bytes}` }];
  const { faults } = await readTable(join(location, file), thorough);
  return faults.map((what) => ({ file, what }));
}

/**
 * The tables of an open database that have damage, each with its place. Those that went meanwhile, or are being written, are
 * passed over.
 */
export async function findDamagedTables(location: string): Promise<string[]> {
  const found: string[] = [];
  for (const file of (await readdir(location)).filter((name) => TABLE.test(name)).sort()) {
    const reading = await readTable(join(location, file), true).catch(missing);
    if (reading?.blocks === undefined) continue;
    for (const fault of reading.faults.slice(0, 1)) found.push(`${file} ${fault}`);
  }
  return found;
}
