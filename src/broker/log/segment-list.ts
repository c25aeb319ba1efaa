import type { Extent } from './chunk.js';
import type { LogDisk } from './disk.js';
import { indexName, segmentName } from './names.js';
import { corrupt, rebuildIndex } from './recovery.js';
import { decodeIndex, emptyIndex, type IndexedFrame, type SegmentIndex } from './segment-index.js';

export interface Segment {
  /** The number of its first event. */
  readonly base: number;
  bytes: number;
  /** Of the newest always, of others as long as it is used. */
  index: SegmentIndex | undefined;
}

/** Indexes of older segments that are kept in memory for each partition. */
const CACHED_INDEXES = 8;
const WHOLE_FILE_BYTES = 64 * 1024 * 1024;

export const readIndex = async (disk: LogDisk, folder: string, base: number): Promise<SegmentIndex | undefined> =>
  decodeIndex(base, await disk.read(folder, indexName(base), 0, WHOLE_FILE_BYTES));

export type SegmentList = ReturnType<typeof createSegmentList>;

/** Which segments a partition has, and what is in each, as far as it is on disk. */
export function createSegmentList(disk: LogDisk, folder: string, opened: readonly Segment[]) {
  /** The oldest first. */
  const segments = [...opened];
  /** Those whose index is in memory for a while, the longest known first. */
  const cached: Segment[] = [];
  const nothing = emptyIndex(0);

  const newest = (): SegmentIndex => segments.at(-1)?.index ?? nothing;
  const extentOf = ({ base, bytes }: Segment): Extent => ({ folder, name: segmentName(base), end: bytes });

  async function storedIndex(segment: Segment): Promise<SegmentIndex> {
    const stored = await readIndex(disk, folder, segment.base).catch(() => undefined);
    return stored?.bytes() === segment.bytes ? stored : rebuildIndex(disk, extentOf(segment), segment.base);
  }

  function ensureFollowed(segment: Segment, nextSequence: number): void {
    const place = segments.indexOf(segment);
    const next = place < 0 ? undefined : segments[place + 1];
    if (next === undefined || next.base === nextSequence) return;
    throw corrupt(folder, segmentName(segment.base), `ends before event ${nextSequence}; ${next.base} follows`);
  }

  function keepForAWhile(segment: Segment): void {
    cached.push(segment);
    if (cached.length <= CACHED_INDEXES) return;
    const forgotten = cached.shift() as Segment;
    if (forgotten !== segments.at(-1)) forgotten.index = undefined;
  }

  return {
    newest,
    extentOf,
    firstBase: (): number => segments[0]?.base ?? 0,

    /** As they are at this moment, the oldest first. */
    all: (): readonly Segment[] => [...segments],

    /** The segment that an event is in, if it is there. */
    holding: (sequence: number): Segment | undefined => segments.findLast(({ base }) => base <= sequence),

    /** @throws BrokerError PS_BROKER_STORE_CORRUPT when events are missing between it and the next one. */
    async indexOf(segment: Segment): Promise<SegmentIndex> {
      if (segment.index !== undefined) return segment.index;
      const index = await storedIndex(segment);
      ensureFollowed(segment, index.nextSequence());
      segment.index = index;
      keepForAWhile(segment);
      return index;
    },

    /** The base of the oldest segment that stays when the oldest ones go, until no more than `maxBytes` are left. */
    baseWithin(maxBytes: number): number {
      let bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
      let oldest = 0;
      for (; bytes > maxBytes && oldest < segments.length - 1; oldest++) bytes -= segments[oldest]?.bytes ?? 0;
      return segments[oldest]?.base ?? 0;
    },

    /** A new one is there, without anything yet. */
    begin: (base: number): void => void segments.push({ base, bytes: 0, index: emptyIndex(base) }),

    /** These are on disk, at the end of the newest. */
    add(frames: readonly IndexedFrame[]): void {
      const segment = segments.at(-1) as Segment;
      for (const frame of frames) segment.index?.add(frame);
      segment.bytes = newest().bytes();
    },

    /** Removes the segments that hold nothing from `sequence` on. */
    async dropBelow(sequence: number): Promise<void> {
      // The oldest first: a crash leaves the rest without a gap.
      while (segments[1] !== undefined && segments[1].base <= sequence) {
        const { base } = segments.shift() as Segment;
        await disk.remove(folder, [segmentName(base), indexName(base)]);
      }
    },
  };
}
