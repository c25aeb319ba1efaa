import type { LogDisk, LogFile } from './disk.js';
import type { LogEvent } from './frame.js';
import { baseOfIndex, baseOfName, indexName, segmentName } from './names.js';
import { corrupt, damagedAt, scanOn } from './recovery.js';
import { emptyIndex, type IndexedFrame, type SegmentIndex } from './segment-index.js';
import { createSegmentList, readIndex, type Segment } from './segment-list.js';
import { createSegmentReading } from './segment-reading.js';
import { createSegmentWriting } from './segment-writing.js';

/** The segment files of one partition. All but the newest are complete and never written again. */
export interface Segments {
  /** The index of the newest segment: what is on disk. */
  newest(): SegmentIndex;
  firstBase(): number;
  /** How many numbers up to the next one were of lost events when the files were opened. */
  lostAtEnd(): Promise<number>;
  /** Appends to the newest segment, durably. What fails leaves the files as they were, or is not to be mended. */
  append(slices: readonly Buffer[], frames: readonly IndexedFrame[]): Promise<void>;
  /** Begins a new segment, with these as its first frames. */
  begin(base: number, slices: readonly Buffer[], frames: readonly IndexedFrame[]): Promise<void>;
  /** The events from `sequence` on that one read brings. */
  read(sequence: number): Promise<LogEvent[]>;
  /** The first event of at least `timeMs`, or the number behind the last event. */
  findTime(timeMs: number): Promise<number>;
  /** The base of the oldest segment that stays when the oldest ones go, until no more than `maxBytes` are left. */
  baseWithin(maxBytes: number): number;
  /** Removes the segments that hold nothing from `sequence` on. */
  dropBelow(sequence: number): Promise<void>;
  /** Writes the index of the newest segment, so that a start need not read the segment. */
  saveIndex(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens what is there: reads the end of the newest segment that no index covers, and cuts off what was being written
 * when the process ended.
 * @throws BrokerError PS_BROKER_STORE_CORRUPT, with file and position, when something acknowledged is damaged there.
 */
export async function openSegments(disk: LogDisk, folder: string): Promise<Segments> {
  const files = await disk.list(folder);
  const names = new Set(files.map(({ name }) => name));
  const indexOnDisk = async (base: number) => (names.has(indexName(base)) ? readIndex(disk, folder, base) : undefined);
  const segments: Segment[] = [];
  for (const { name, bytes } of files) {
    const base = baseOfName(name);
    if (base !== undefined) segments.push({ base, bytes, index: undefined });
  }
  segments.sort((a, b) => a.base - b.base);
  // An index is only written of what is on disk.
  const last = segments.at(-1)?.base ?? -1;
  const indexed = Math.max(-1, ...files.map(({ name }) => baseOfIndex(name) ?? -1));
  if (indexed > last) throw corrupt(folder, segmentName(indexed), 'is missing');

  for (;;) {
    const newest = segments.at(-1);
    if (newest === undefined) return createSegments(disk, folder, { segments, file: undefined });
    const name = segmentName(newest.base);
    const index = (await indexOnDisk(newest.base)) ?? emptyIndex(newest.base);
    if (index.bytes() > newest.bytes) {
      throw corrupt(folder, name, `ends at byte ${newest.bytes}; ${index.bytes()} were on disk`);
    }
    const end = await scanOn(disk, { folder, name, end: newest.bytes }, index);
    if (end > 0) {
      newest.index = index;
      newest.bytes = end;
      return createSegments(disk, folder, { segments, file: await disk.open(folder, name, end) });
    }
    // It was being made: the numbers go on in the one before it. Older ones are only removed when it is whole.
    if (segments.length === 1 && newest.base > 0) throw damagedAt({ folder, name, end: newest.bytes }, 0);
    await disk.remove(folder, [name, indexName(newest.base)]);
    segments.pop();
  }
}

function createSegments(
  disk: LogDisk,
  folder: string,
  opened: { readonly segments: readonly Segment[]; readonly file: LogFile | undefined },
): Segments {
  const list = createSegmentList(disk, folder, opened.segments);
  const reading = createSegmentReading(disk, list);
  const writing = createSegmentWriting({ disk, folder, list, file: opened.file });
  return {
    newest: list.newest,
    firstBase: list.firstBase,
    lostAtEnd: reading.lostAtEnd,
    append: writing.append,
    begin: writing.begin,
    read: reading.read,
    findTime: reading.findTime,
    baseWithin: list.baseWithin,
    dropBelow: list.dropBelow,
    saveIndex: writing.saveIndex,
    close: writing.close,
  };
}
