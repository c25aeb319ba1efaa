import { copyFile, mkdir, readdir, readFile, rename, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { replaceFile } from '../replace-file.js';
import { LOG, logName, MANIFEST, TABLE, tableName } from './names.js';
import { readRecordLog, writeRecordLog } from './record-log.js';
import { readSynced, SYNCED, syncedBytesOf } from './synced.js';
import { withEntries } from './table.js';
import { readTable } from './table-file.js';
import { missing, type Verdict, verifyDatabase } from './verify.js';
import { readVersion } from './version.js';
import { mayBeginBatch } from './write-batch.js';

/** What is gone of a file, once it is mended. */
export interface Loss {
  readonly file: string;
  readonly what: string;
}

/** Nothing that is known here makes a database of it again. */
export class UnmendableError extends Error {}

/** Mending one thing may bring another to light: what a manifest names can only be looked at once there is one. */
const MOST_ROUNDS = 4;

/**
 * Makes a damaged database one that can be opened, with all of it that can be read; nobody else may have it open. Every
 * file that is changed is copied to the folder `keep` first.
 * @throws UnmendableError when that was not enough.
 */
export async function mendDatabase(location: string, keep: string): Promise<readonly Loss[]> {
  const losses: Loss[] = [];
  await mkdir(keep, { recursive: true, mode: 0o700 });
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const verdict = await verifyDatabase(location, { thorough: true });
    if (verdict.damage.length === 0) {
      await cutTornManifest(location, verdict);
      return losses;
    }
    for (const file of new Set(verdict.damage.map((one) => one.file))) {
      losses.push(...(await mendFile({ location, keep, file }, verdict)));
    }
  }
  throw new UnmendableError(`${location} could not be mended; what was there is in ${keep}`);
}

/** What a power cut left half written: LevelDB takes it for damage, where a crash of the process alone leaves none. */
export async function cutTornManifest(location: string, { tornManifest }: Verdict): Promise<void> {
  if (tornManifest !== undefined) await truncate(join(location, tornManifest.file), tornManifest.bytes);
}

interface Patient {
  readonly location: string;
  readonly keep: string;
  readonly file: string;
}

async function mendFile(patient: Patient, verdict: Verdict): Promise<Loss[]> {
  if (LOG.test(patient.file)) return mendLog(patient);
  if (TABLE.test(patient.file)) return mendTable(patient, verdict.sizes.get(patient.file));
  return mendManifest(patient);
}

async function replace({ location, keep, file }: Patient, contents: Buffer): Promise<void> {
  const path = join(location, file);
  await copyFile(path, join(keep, file)).catch(missing);
  await replaceFile(path, contents);
}

/** Keeps every write that is whole, also between damaged ones. */
async function mendLog(patient: Patient): Promise<Loss[]> {
  const { location, file } = patient;
  const bytes = await readFile(join(location, file)).catch(missing);
  if (bytes === undefined) {
    await replace(patient, Buffer.alloc(0));
    await forgetSynced(location);
    return [{ file, what: 'was missing: all writes in it are lost' }];
  }
  const { records, damage, tornAt } = readRecordLog(bytes, mayBeginBatch);
  const synced = await readSynced(location);
  const to = Math.max(bytes.length, syncedBytesOf(synced, file));
  const from = tornAt ?? bytes.length;
  await replace(patient, writeRecordLog(records.map(({ pieces }) => pieces)));
  // Ended before this, the same is found and told of once more.
  if (synced?.log === file) await forgetSynced(location);
  const spans = from < to ? [...damage, { from, to }] : damage;
  const whole = `${records.length} writes were kept`;
  return spans.map(({ from, to }) => ({ file, what: `lost the writes from byte ${from} to ${to}; ${whole}` }));
}

/** What it says is not so of a log that was written anew. */
const forgetSynced = (location: string) => rm(join(location, SYNCED), { force: true });

/** Keeps every block that is whole, in a table of the size that the manifest knows. */
async function mendTable(patient: Patient, bytes: number | undefined): Promise<Loss[]> {
  const { location, file } = patient;
  const path = join(location, file);
  const found = await readFile(path).catch(missing);
  const size = bytes ?? found?.length ?? 0;
  if (found?.length === size) {
    const { whole, blocks } = await readTable(path, true);
    const mended = blocks === undefined ? undefined : withEntries(found, whole);
    if (mended !== undefined && blocks !== undefined) {
      await replace(patient, mended);
      return [{ file, what: `lost ${blocks - whole.length} of its ${blocks} blocks` }];
    }
  }
  const empty = withEntries(Buffer.alloc(size), []);
  if (empty === undefined) throw new UnmendableError(`${path} cannot be replaced: it is too small`);
  await replace(patient, empty);
  return [{ file, what: found === undefined ? 'was missing: all of it is lost' : 'is lost with all that was in it' }];
}

/** CURRENT, or the manifest that it names: the newest that is whole takes its place, or one is made of the tables and logs. */
async function mendManifest(patient: Patient): Promise<Loss[]> {
  const { location, keep, file } = patient;
  const names = await readdir(location);
  const manifests = names.filter((name) => MANIFEST.test(name)).sort();
  for (const name of [...manifests, 'CURRENT']) {
    if (names.includes(name)) await copyFile(join(location, name), join(keep, name));
  }
  for (const name of manifests.reverse()) {
    if (!(await isUsable(location, name, names))) continue;
    await replace({ location, keep, file: 'CURRENT' }, Buffer.from(`${name}\n`));
    return [{ file, what: `was replaced by what ${name} says: nothing is lost by that` }];
  }
  const losses: Loss[] = [];
  // LevelDB's own repair believes what it reads: what is damaged has to go first.
  for (const name of names) {
    if (LOG.test(name) && (await isLogDamaged(location, name))) {
      losses.push(...(await mendLog({ location, keep, file: name })));
    }
    if (TABLE.test(name) && (await readTable(join(location, name), true)).faults.length > 0) {
      losses.push(...(await mendTable({ location, keep, file: name }, (await stat(join(location, name))).size)));
    }
  }
  await ClassicLevel.repair(location);
  await forgetSynced(location);
  // It puts aside what it took in: logs that are tables now, and old manifests.
  await rename(join(location, 'lost'), join(keep, 'lost')).catch(missing);
  await rm(join(location, 'lost'), { recursive: true, force: true });
  return [...losses, { file, what: 'was made anew of the tables and logs: what was gone may be back' }];
}

async function isLogDamaged(location: string, name: string): Promise<boolean> {
  const bytes = await readFile(join(location, name));
  const { damage, tornAt } = readRecordLog(bytes, mayBeginBatch);
  const synced = await readSynced(location);
  return damage.length > 0 || (tornAt ?? bytes.length) < syncedBytesOf(synced, name);
}

/** Whether a manifest is whole and everything that it names is there. */
async function isUsable(location: string, manifest: string, names: readonly string[]): Promise<boolean> {
  const { records, damage } = readRecordLog(await readFile(join(location, manifest)));
  if (damage.length > 0 || records.length === 0) return false;
  try {
    const { tables, logNumber } = readVersion(records);
    const needed = [...tables.keys()].map(tableName);
    return [...needed, logName(logNumber)].every((name) => names.includes(name));
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
