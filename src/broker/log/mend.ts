import { join } from 'node:path';
import type { LogDisk } from './disk.js';
import { gapFrame, openingFrame } from './frame.js';
import type { MendDisk } from './mend-disk.js';
import { type Finding, type Gap, type KnownLog, type MendPlan, planMending, type Rewrite } from './mend-plan.js';
import { baseOfIndex, baseOfName, folderName, idOfFolder, indexName, segmentName } from './names.js';

/** What is wrong with a file of a partition, and what repairing it costs. */
export interface LogDamage {
  /** Below the folder of all partitions. */
  readonly file: string;
  readonly what: string;
  /** The same once it is mended. */
  readonly mended: string;
}

type Files = Pick<LogDisk, 'folders' | 'list' | 'read'>;

/** Says what is damaged of the events of hubs; nobody else may have the files open. */
export async function findLogDamage(disk: Files, known: readonly KnownLog[]): Promise<LogDamage[]> {
  const found: LogDamage[] = [];
  for (const log of await partitionsOf(disk, known)) {
    const { findings } = await planFor(disk, log);
    found.push(...findings.map((finding) => damageOf(log, finding)));
  }
  return found;
}

/**
 * Makes of every damaged partition one that can be opened and read, with all events that are whole. Every file that changes is
 * kept as it was first. Ended at any moment it can be begun again.
 */
export async function mendLogs(disk: MendDisk, known: readonly KnownLog[]): Promise<LogDamage[]> {
  const mended: LogDamage[] = [];
  for (const log of await partitionsOf(disk, known)) {
    const plan = await planFor(disk, log);
    await carryOut(disk, folderName(log.id), plan);
    mended.push(...plan.findings.map((finding) => damageOf(log, finding)));
  }
  return mended;
}

/** The folders with files of other partitions than these. */
export async function foldersBeside(disk: Pick<LogDisk, 'folders' | 'list'>, ids: ReadonlySet<number>) {
  const found: string[] = [];
  for (const folder of await disk.folders()) {
    const id = idOfFolder(folder);
    if (id === undefined || ids.has(id)) continue;
    const isOfPartition = ({ name }: { name: string }) => (baseOfName(name) ?? baseOfIndex(name)) !== undefined;
    if ((await disk.list(folder)).some(isOfPartition)) found.push(folder);
  }
  return found;
}

/** The partitions that are of no hub. */
export async function findUnknown(disk: Files, ids: ReadonlySet<number>): Promise<LogDamage[]> {
  const what = 'is of a hub that is not known any more';
  const folders = await foldersBeside(disk, ids);
  return folders.map((file) => ({ file, what, mended: `${what}: it was put away as a whole` }));
}

/** Puts them away: the database has lost their hubs, and may give their numbers to others. */
export async function putAwayUnknown(disk: MendDisk, ids: ReadonlySet<number>): Promise<LogDamage[]> {
  const found = await findUnknown(disk, ids);
  for (const { file } of found) await disk.putAway(file);
  return found;
}

/** Every partition that there is or should be. */
async function partitionsOf(disk: Files, known: readonly KnownLog[]): Promise<KnownLog[]> {
  const all = new Map(known.map((log) => [log.id, log]));
  for (const folder of await disk.folders()) {
    const id = idOfFolder(folder);
    if (id === undefined || all.has(id)) continue;
    all.set(id, { id, name: `partition ${folder}`, nextSequence: 0, lastEnqueuedAtMs: 0 });
  }
  return [...all.values()].sort((a, b) => a.id - b.id);
}

const numbered = (files: readonly { readonly name: string }[], base: (name: string) => number | undefined): number[] =>
  files.flatMap(({ name }) => base(name) ?? []).sort((a, b) => a - b);

async function planFor(disk: Files, log: KnownLog): Promise<MendPlan> {
  const folder = folderName(log.id);
  const files = await disk.list(folder);
  const sizes = new Map(files.map(({ name, bytes }) => [name, bytes]));
  const read = (name: string) => disk.read(folder, name, 0, sizes.get(name) ?? 0);
  return planMending({ segments: numbered(files, baseOfName), indexes: numbered(files, baseOfIndex), read }, log);
}

function damageOf(log: KnownLog, finding: Finding): LogDamage {
  const loss = describeLoss(finding, log.name);
  const file = join(folderName(log.id), finding.file);
  return { file, what: `${finding.where}: it loses ${loss}`, mended: `lost ${loss}` };
}

function describeLoss({ lost, openEnd }: Finding, name: string): string {
  const ranges = lost.map(({ sequence, lost: count }) => rangeOf(sequence, count));
  if (openEnd) ranges[ranges.length - 1] = openRange(lost.at(-1) as Gap);
  return ranges.length === 0 ? `no event of ${name}` : `${ranges.join(' and ')} of ${name}`;
}

const rangeOf = (sequence: number, count: number) =>
  count === 1 ? `event ${sequence}` : `${count} events, ${sequence} to ${sequence + count - 1},`;

const openRange = ({ sequence, lost }: Gap) =>
  `all events from ${sequence} on${lost > 0 ? `, ${lost} or more,` : ', if there were any,'}`;

async function carryOut(disk: MendDisk, folder: string, { writes, removes }: MendPlan): Promise<void> {
  const changed = [...writes.flatMap(({ source }) => source ?? []), ...removes];
  for (const name of new Set(changed)) await disk.keep(folder, name);
  const sizes = new Map((await disk.list(folder)).map(({ name, bytes }) => [name, bytes]));
  // Whatever says how far the numbers went stays until that is said anew.
  for (const one of writes) {
    const { source } = one;
    const bytes = source === undefined ? undefined : await disk.read(folder, source, 0, sizes.get(source) ?? 0);
    await disk.replace(folder, segmentName(one.base), rewritten(one, bytes));
  }
  await disk.remove(folder, removes);
  // Of a partition that was mended when a repair ended early, too: they are made again from the segments.
  await disk.remove(folder, numbered(await disk.list(folder), baseOfIndex).map(indexName));
}

function rewritten({ base, parts, enqueuedAtMs }: Rewrite, source: Buffer = Buffer.alloc(0)): Buffer {
  if (parts.length === 0) return openingFrame({ sequence: base, enqueuedAtMs, durableBelow: base });
  const pieces = parts.map((part) => {
    if (part.kind === 'frames') return source.subarray(part.span.from, part.span.to);
    const { sequence, lost } = part;
    return gapFrame({ sequence, enqueuedAtMs: part.enqueuedAtMs, durableBelow: sequence }, lost);
  });
  return Buffer.concat(pieces);
}
