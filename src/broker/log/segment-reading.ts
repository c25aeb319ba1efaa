import { type Extent, readChunk } from './chunk.js';
import type { LogDisk } from './disk.js';
import { eventsOf, type LogEvent } from './frame.js';
import { damagedAt } from './recovery.js';
import type { SegmentIndex } from './segment-index.js';
import type { Segment, SegmentList } from './segment-list.js';

const READ_BYTES = 1024 * 1024;

/** Finds events in the segments of a partition. */
export function createSegmentReading(
  disk: LogDisk,
  list: Pick<SegmentList, 'all' | 'holding' | 'indexOf' | 'extentOf' | 'newest'>,
) {
  const { indexOf, extentOf } = list;

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
    const candidates = list.all();
    let [low, high] = [0, candidates.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((await indexOf(candidates[middle] as Segment)).lastEnqueuedAtMs() < timeMs) low = middle + 1;
      else high = middle;
    }
    return candidates[low];
  }

  return {
    /** The events from `sequence` on that one read brings. */
    async read(sequence: number): Promise<LogEvent[]> {
      for (let from = sequence; ; ) {
        const segment = list.holding(from);
        if (segment === undefined) return [];
        const index = await indexOf(segment);
        const events = await readIn({ ...extentOf(segment), end: index.bytes() }, index, from);
        if (events.length > 0 || index.nextSequence() <= from) return events;
        // All that is left of this one is lost.
        from = index.nextSequence();
      }
    },

    /** The first event of at least `timeMs`, or the number behind the last event. */
    async findTime(timeMs: number): Promise<number> {
      const segment = await segmentAtTime(timeMs);
      if (segment === undefined) return list.newest().nextSequence();
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

    /** How many numbers up to the next one are of lost events. */
    async lostAtEnd(): Promise<number> {
      let lost = 0;
      for (const segment of [...list.all()].reverse()) {
        const index = await indexOf(segment);
        lost += index.lostAtEnd();
        if (index.lostAtEnd() === 0 || index.nextSequence() - index.base > index.lostAtEnd()) break;
      }
      return lost;
    },
  };
}
