import type { PartitionLog } from '../entities/index.js';
import { EVENT_HEAD_BYTES, eventsStart, frameBytes, sealFrame } from './frame.js';
import type { Tail } from './memory.js';
import type { IndexedFrame } from './segment-index.js';

/** Events that are appended together: durable, visible and, where it comes to that, lost together. */
export interface Batch {
  readonly enqueuedAtMs: number;
  /** Bytes of each record. */
  readonly sizes: readonly number[];
  /** Writes record `index` at `at`. */
  write(into: Buffer, at: number, index: number): void;
  /** State of the partition that is durable if and only if the events are; it replaces what was noted before. */
  readonly note?: Buffer | undefined;
}

export interface EncodingDeps {
  readonly tail: Pick<Tail, 'reserve' | 'add'>;
  readonly numbers: Pick<PartitionLog, 'stamp' | 'append'>;
  /** The number behind the last event that is on disk. */
  readonly durableBelow: () => number;
}

/** Gives batches their numbers, and writes them as frames into memory, from where they go to the disk. */
export function createEncoding({ tail, numbers, durableBelow }: EncodingDeps) {
  return function encode({ sizes, write, note, enqueuedAtMs }: Batch): IndexedFrame {
    let recordBytes = 0;
    for (const size of sizes) recordBytes += size;
    const bytes = frameBytes(recordBytes, sizes.length, note);
    const room = tail.reserve(bytes);
    const { buffer, start } = room;
    const { sequence } = numbers.stamp(enqueuedAtMs);
    let at = eventsStart(start, note);
    for (let event = 0; event < sizes.length; event++) {
      const size = sizes[event] as number;
      buffer.writeUInt32BE(size, at);
      write(buffer, at + EVENT_HEAD_BYTES, event);
      at += EVENT_HEAD_BYTES + size;
    }
    const fields = { sequence, count: sizes.length, enqueuedAtMs, note };
    sealFrame(buffer, room, { ...fields, durableBelow: durableBelow() });
    tail.add(room, { sequence, count: sizes.length, eventsAt: eventsStart(start, note) });
    numbers.append(sizes.length, enqueuedAtMs);
    return { ...fields, bytes };
  };
}
