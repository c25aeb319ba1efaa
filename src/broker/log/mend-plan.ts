import { indexName, segmentName } from './names.js';
import { type Part, type Salvage, type Span, salvage } from './salvage.js';
import { decodeIndex } from './segment-index.js';

/** What is known of a partition beside its files. */
export interface KnownLog {
  readonly id: number;
  /** As people call it. */
  readonly name: string;
  readonly nextSequence: number;
  readonly lastEnqueuedAtMs: number;
}

/** The files of a partition. */
export interface PartitionFiles {
  /** First numbers of the segments and of the indexes, in order. */
  readonly segments: readonly number[];
  readonly indexes: readonly number[];
  read(name: string): Promise<Buffer>;
}

export type Gap = Extract<Part, { kind: 'gap' }>;

/** A segment as it has to be, made of the file that is there. */
export interface Rewrite {
  readonly base: number;
  readonly source: string | undefined;
  /** None: a segment that waits for its first event. */
  readonly parts: readonly Part[];
  readonly enqueuedAtMs: number;
}

export interface Finding {
  /** Name of the file in the folder of the partition. */
  readonly file: string;
  readonly where: string;
  readonly lost: readonly Gap[];
  /** More may be lost behind them than is known. */
  readonly openEnd: boolean;
}

export interface MendPlan {
  readonly findings: readonly Finding[];
  readonly writes: readonly Rewrite[];
  /** Segments that go once all is written. */
  readonly removes: readonly string[];
}

/** How far numbers go ahead where the end of a partition is lost: none that was given may be given again. */
const NUMBERS_AHEAD = 1_000_000;

interface Examined {
  readonly base: number;
  readonly file: string | undefined;
  readonly found: Salvage;
  readonly parts: readonly Part[];
  readonly finding: Finding | undefined;
}

const nothing: Salvage = salvage(Buffer.alloc(0), { base: 0, limit: 0 });
const isGap = (part: Part | undefined): part is Gap => part?.kind === 'gap';

const spans = (damage: readonly Span[]) => damage.map(({ from, to }) => `${from} to ${to}`).join(', ');

/** Looks at all of a partition, one segment at a time, and says how it becomes one that can be opened and read. */
export async function planMending(files: PartitionFiles, known: KnownLog): Promise<MendPlan> {
  const knownNext = Math.max(known.nextSequence, await indexedNext(files));
  const examined: Examined[] = [];
  let lastEnqueuedAtMs = 0;
  for (const [place, base] of files.segments.entries()) {
    const file = segmentName(base);
    const segment = { base, file, bytes: await files.read(file) };
    const limit = files.segments[place + 1];
    if (limit === undefined) {
      const isShort = await isCutOff(files, base, segment.bytes);
      examined.push(examineNewest(segment, { known, knownNext, isShort, isOnly: place === 0 }));
    } else {
      const older = examineOlder(segment, limit, lastEnqueuedAtMs);
      examined.push(...older);
      lastEnqueuedAtMs = Math.max(lastEnqueuedAtMs, ...older.map(({ found }) => found.lastEnqueuedAtMs));
    }
  }
  if (examined.length === 0 && knownNext > 0) examined.push(allMissing(known, knownNext));
  return planOf(examined);
}

/** How far the indexes say that events were on disk: they are only written of what is. */
async function indexedNext({ segments, indexes, read }: PartitionFiles): Promise<number> {
  const newest = segments.at(-1) ?? 0;
  let next = 0;
  for (const base of indexes.filter((one) => one >= newest)) {
    next = Math.max(next, base, decodeIndex(base, await read(indexName(base)))?.nextSequence() ?? 0);
  }
  return next;
}

/** Whether the newest segment is shorter than its index says, or another was there behind it. */
async function isCutOff({ indexes, read }: PartitionFiles, base: number, bytes: Buffer): Promise<boolean> {
  if (indexes.some((one) => one > base)) return true;
  if (!indexes.includes(base)) return false;
  return (decodeIndex(base, await read(indexName(base)))?.bytes() ?? 0) > bytes.length;
}

interface Segment {
  readonly base: number;
  readonly file: string;
  readonly bytes: Buffer;
}

function examineOlder({ base, file, bytes }: Segment, limit: number, beforeMs: number): Examined[] {
  const found = salvage(bytes, { base, limit });
  const { damage, end, nextSequence, parts } = found;
  const enqueuedAtMs = Math.max(beforeMs, found.lastEnqueuedAtMs);
  const behind: Gap = { kind: 'gap', sequence: nextSequence, lost: limit - nextSequence, enqueuedAtMs };
  if (end < bytes.length || parts.length === 0) {
    const where = `is damaged from byte ${spans([...damage, { from: end, to: bytes.length }])}`;
    const all = behind.lost > 0 ? [...parts, behind] : parts;
    return [{ base, file, found, parts: all, finding: { file, where, lost: all.filter(isGap), openEnd: false } }];
  }
  const where = `is damaged from byte ${spans(damage)}`;
  const finding = damage.length > 0 ? { file, where, lost: parts.filter(isGap), openEnd: false } : undefined;
  const one = { base, file, found, parts, finding };
  if (behind.lost === 0) return [one];
  const missing = { file: segmentName(nextSequence), where: 'is missing', lost: [behind], openEnd: false };
  const absent = { ...nothing, nextSequence: limit, lastEnqueuedAtMs: enqueuedAtMs };
  return [one, { base: nextSequence, file: undefined, found: absent, parts: [behind], finding: missing }];
}

interface AboutNewest {
  readonly known: KnownLog;
  /** Every number below was given. */
  readonly knownNext: number;
  readonly isShort: boolean;
  readonly isOnly: boolean;
}

function examineNewest({ base, file, bytes }: Segment, about: AboutNewest): Examined {
  const found = salvage(bytes, { base, limit: Number.POSITIVE_INFINITY });
  const isTorn = found.end < bytes.length;
  // Where a lone segment says nothing at all, its name alone tells that there were events before it.
  const saysNothing = about.isOnly && base > 0 && found.parts.length === 0;
  const endIsLost =
    about.knownNext > found.nextSequence || about.isShort || saysNothing || (isTorn && found.damage.length > 0);
  if (!endIsLost && found.damage.length === 0) return { base, file, found, parts: found.parts, finding: undefined };
  const rest = { from: found.end, to: bytes.length };
  const damage = isTorn && endIsLost ? [...found.damage, rest] : found.damage;
  const where = damage.length > 0 ? `is damaged from byte ${spans(damage)}` : `ends at byte ${bytes.length}`;
  const gaps = found.parts.filter(isGap);
  if (!endIsLost) {
    return { base, file, found, parts: found.parts, finding: { file, where, lost: gaps, openEnd: false } };
  }
  const end = endGap(found, about);
  const lost = { ...end, lost: Math.max(0, about.knownNext - found.nextSequence) };
  const finding = { file, where, lost: [...gaps, lost], openEnd: true };
  return { base, file, found, parts: [...found.parts, end], finding };
}

/** What stands for an end of which nobody knows how far it went. */
function endGap(found: Salvage, { known, knownNext }: Pick<AboutNewest, 'known' | 'knownNext'>): Gap {
  const sequence = found.nextSequence;
  const lost = Math.max(sequence, knownNext) + NUMBERS_AHEAD - sequence;
  const enqueuedAtMs = Math.max(found.lastEnqueuedAtMs, known.lastEnqueuedAtMs);
  return { kind: 'gap', sequence, lost, enqueuedAtMs };
}

function allMissing(known: KnownLog, knownNext: number): Examined {
  const end = endGap(nothing, { known, knownNext });
  const finding = { file: segmentName(0), where: 'is missing', lost: [{ ...end, lost: knownNext }], openEnd: true };
  return { base: 0, file: undefined, found: nothing, parts: [end], finding };
}

function planOf(examined: readonly Examined[]): MendPlan {
  const findings = examined.flatMap(({ finding }) => finding ?? []);
  const writes: Rewrite[] = [];
  const removes: string[] = [];
  // Readers begin with the oldest event that is there: what is lost before it takes no place.
  let isOldest = true;
  for (const [place, { base, file, found, parts, finding }] of examined.entries()) {
    if (isOldest && found.events === 0 && finding !== undefined) {
      if (file !== undefined) removes.push(file);
      if (place === examined.length - 1) writes.push(emptySegment(parts, found));
      continue;
    }
    const first = isOldest && isGap(parts[0]) ? found.firstEvent : undefined;
    isOldest = false;
    if (finding === undefined) continue;
    if (first !== undefined && file !== undefined) removes.push(file);
    const left = first === undefined ? { base, parts } : { base: first, parts: parts.slice(1) };
    writes.push({ ...left, source: file, enqueuedAtMs: found.lastEnqueuedAtMs });
  }
  return { findings, writes, removes };
}

/** Where the numbers go on when nothing is left. */
function emptySegment(parts: readonly Part[], found: Salvage): Rewrite {
  const last = parts.at(-1);
  const end = isGap(last) ? last : undefined;
  const base = end === undefined ? found.nextSequence : end.sequence + end.lost;
  return { base, source: undefined, parts: [], enqueuedAtMs: end?.enqueuedAtMs ?? found.lastEnqueuedAtMs };
}
