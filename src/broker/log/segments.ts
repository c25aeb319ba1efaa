import { type Extent, readChunk } from './chunk.js';
import type { LogDisk, LogFile } from './disk.js';
import { eventsOf, type LogEvent } from './frame.js';
import { baseOfIndex, baseOfName, indexName, segmentName } from './names.js';
import { corrupt, damagedAt, rebuildIndex, scanOn } from './recovery.js';
import { decodeIndex, emptyIndex, type IndexedFrame, type SegmentIndex } from './segment-index.js';

/** The segment files of one partition. All but the newest are complete and never written again. */
export interface Segments {
  /** The index of the newest segment: what is on disk. */
  newest(): SegmentIndex;
  firstBase(): number;
  totalBytes(): number;
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

interface Segment {
  readonly base: number;
  bytes: number;
  /** Of the newest always, of others as long as it is used. */
  index: SegmentIndex | undefined;
}

const READ_BYTES = 1024 * 1024;
/** Indexes of older segments that are kept in memory for each partition. */
const CACHED_INDEXES = 8;
const WHOLE_FILE_BYTES = 64 * 1024 * 1024;

const readIndex = async (disk: LogDisk, folder: string, base: number, names: ReadonlySet<string>) =>
  names.has(indexName(base))
    ? decodeIndex(base, await disk.read(folder, indexName(base), 0, WHOLE_FILE_BYTES))
    : undefined;

/**
 * Opens what is there: reads the end of the newest segment that no index covers, and cuts off what was being written
 * when the process ended.
 * @throws BrokerError PS_BROKER_STORE_CORRUPT, with file and position, when something acknowledged is damaged there.
 */
export async function openSegments(disk: LogDisk, folder: string): Promise<Segments> {
  const files = await disk.list(folder);
  const names = new Set(files.map(({ name }) => name));
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
    const index = (await readIndex(disk, folder, newest.base, names)) ?? emptyIndex(newest.base);
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
  opened: { readonly segments: Segment[]; readonly file: LogFile | undefined },
): Segments {
  const { segments } = opened;
  let { file } = opened;
  let saved = { base: -1, bytes: 0 };
  const cached: Segment[] = [];
  const nothing = emptyIndex(0);

  const newest = () => segments.at(-1)?.index ?? nothing;
  const extentOf = ({ base, bytes }: Segment): Extent => ({ folder, name: segmentName(base), end: bytes });

  async function indexOf(segment: Segment): Promise<SegmentIndex> {
    if (segment.index !== undefined) return segment.index;
    const file = await disk.read(folder, indexName(segment.base), 0, WHOLE_FILE_BYTES).catch(() => Buffer.alloc(0));
    const stored = decodeIndex(segment.base, file);
    const index =
      stored?.bytes() === segment.bytes ? stored : await rebuildIndex(disk, extentOf(segment), segment.base);
    const place = segments.indexOf(segment);
    const next = place < 0 ? undefined : segments[place + 1];
    if (next !== undefined && next.base !== index.nextSequence()) {
      throw corrupt(
        folder,
        segmentName(segment.base),
        `ends before event ${index.nextSequence()}; ${next.base} follows`,
      );
    }
    segment.index = index;
    cached.push(segment);
    if (cached.length > CACHED_INDEXES) {
      const forgotten = cached.shift() as Segment;
      if (forgotten !== segments.at(-1)) forgotten.index = undefined;
    }
    return index;
  }

  /** Events of one segment from `sequence` on; none that come after a gap together with some before it. */
  async function readIn(extent: Extent, index: SegmentIndex, sequence: number): Promise<LogEvent[]> {
    const events: LogEvent[] = [];
    for (let position = index.positionOf(sequence); position < extent.end && events.length === 0; ) {
      const chunk = await readChunk(disk, extent, position, READ_BYTES);
      if (chunk.frames.length === 0) throw damagedAt(extent, position);
      for (const frame of chunk.frames) {
        if (frame.lost > 0 && events.length > 0) break;
        eventsOf(chunk.buffer, frame, sequence, events);
      }
      position = chunk.next;
    }
    return events;
  }

  /** The oldest segment whose last event is of at least `timeMs`. */
  async function segmentAtTime(timeMs: number): Promise<Segment | undefined> {
    const candidates = [...segments];
    let [low, high] = [0, candidates.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((await indexOf(candidates[middle] as Segment)).lastEnqueuedAtMs() < timeMs) low = middle + 1;
      else high = middle;
    }
    return candidates[low];
  }

  function take(frames: readonly IndexedFrame[]): void {
    const segment = segments.at(-1) as Segment;
    for (const frame of frames) segment.index?.add(frame);
    segment.bytes = newest().bytes();
  }

  async function saveIndex(): Promise<void> {
    const index = newest();
    const state = { base: index.base, bytes: index.bytes() };
    if (state.bytes === 0 || (state.base === saved.base && state.bytes === saved.bytes)) return;
    if (index.lostAtEnd() > 0) return;
    await disk.write(folder, indexName(index.base), index.encode());
    saved = state;
  }

  return {
    newest,
    firstBase: () => segments[0]?.base ?? 0,
    totalBytes: () => segments.reduce((sum, { bytes }) => sum + bytes, 0),

    async lostAtEnd() {
      let lost = 0;
      for (const segment of [...segments].reverse()) {
        const index = await indexOf(segment);
        lost += index.lostAtEnd();
        if (index.lostAtEnd() === 0 || index.nextSequence() - index.base > index.lostAtEnd()) break;
      }
      return lost;
    },

    async append(slices, frames) {
      const target = file as LogFile;
      try {
        await target.append(slices);
      } catch (error) {
        await target.cut(newest().bytes());
        throw error;
      }
      take(frames);
    },

    async begin(base, slices, frames) {
      await saveIndex();
      const name = segmentName(base);
      const started = await disk.create(folder, name);
      try {
        await started.append(slices);
      } catch (error) {
        await started.close();
        await disk.remove(folder, [name]);
        throw error;
      }
      await file?.close();
      file = started;
      segments.push({ base, bytes: 0, index: emptyIndex(base) });
      take(frames);
    },

    async read(sequence) {
      for (let from = sequence; ; ) {
        const segment = segments.findLast(({ base }) => base <= from);
        if (segment === undefined) return [];
        const index = await indexOf(segment);
        const events = await readIn({ ...extentOf(segment), end: index.bytes() }, index, from);
        if (events.length > 0 || index.nextSequence() <= from) return events;
        // All that is left of this one is lost.
        from = index.nextSequence();
      }
    },

    async findTime(timeMs) {
      const segment = await segmentAtTime(timeMs);
      if (segment === undefined) return newest().nextSequence();
      const index = await indexOf(segment);
      const extent = { ...extentOf(segment), end: index.bytes() };
      let position = index.positionAtTime(timeMs);
      while (position < extent.end) {
        const chunk = await readChunk(disk, extent, position, READ_BYTES);
        if (chunk.frames.length === 0) throw damagedAt(extent, position);
        const found = chunk.frames.find(({ count, enqueuedAtMs }) => count > 0 && enqueuedAtMs >= timeMs);
        if (found !== undefined) return found.sequence;
        position = chunk.next;
      }
      return index.nextSequence();
    },

    baseWithin(maxBytes) {
      let bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
      let oldest = 0;
      for (; bytes > maxBytes && oldest < segments.length - 1; oldest++) bytes -= segments[oldest]?.bytes ?? 0;
      return segments[oldest]?.base ?? 0;
    },

    async dropBelow(sequence) {
      // The oldest first: a crash leaves the rest without a gap.
      while (segments[1] !== undefined && segments[1].base <= sequence) {
        const { base } = segments.shift() as Segment;
        await disk.remove(folder, [segmentName(base), indexName(base)]);
      }
    },

    saveIndex,

    async close() {
      await file?.close();
      file = undefined;
    },
  };
}
