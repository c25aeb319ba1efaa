import { crc32 } from 'node:zlib';

/**
 * What is known of a segment without reading it: where it ends, and for about every 32 KiB of it which event begins
 * where and when it came. A frame larger than that is one entry. On disk, beside its segment:
 *
 * ```
 * u32 magic | u32 CRC-32 of all behind | f64 next sequence | f64 bytes | f64 last enqueued at, ms
 * u32 bytes of the note | u32 entries | note | for each entry f64 sequence, f64 position, f64 enqueued at, ms
 * ```
 *
 * It is a help and not the truth: one that is missing or damaged is made again from the segment.
 */
const MAGIC = 0x50534931;
const HEAD_BYTES = 40;
const ENTRY_BYTES = 24;
const INTERVAL_BYTES = 32 * 1024;

export interface IndexedFrame {
  readonly sequence: number;
  readonly count: number;
  readonly enqueuedAtMs: number;
  readonly bytes: number;
  readonly note?: Buffer | undefined;
  /** Events that a repair could not read; in frames without events alone. */
  readonly lost?: number;
}

export interface SegmentIndex {
  /** First sequence number of the segment. */
  readonly base: number;
  add(frame: IndexedFrame): void;
  /** Number behind the last event. */
  nextSequence(): number;
  /** Size of the segment as far as it is indexed. */
  bytes(): number;
  lastEnqueuedAtMs(): number;
  /** How many numbers up to the next one are of events that are lost. An index on disk cannot say that. */
  lostAtEnd(): number;
  note(): Buffer | undefined;
  /** A position from which reading on comes to the event. */
  positionOf(sequence: number): number;
  /** A position from which reading on comes to the first event of at least `timeMs`. */
  positionAtTime(timeMs: number): number;
  encode(): Buffer;
}

interface Contents {
  nextSequence: number;
  bytes: number;
  lastEnqueuedAtMs: number;
  note: Buffer | undefined;
  /** Sequence number, position and time of each entry, one after the other. */
  readonly entries: number[];
}

/** The last of `count` entries that is wanted, when the wanted ones come first; -1 when none is. */
function lastWanted(count: number, wanted: (entry: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (wanted(middle)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function indexOf(base: number, contents: Contents): SegmentIndex {
  const { entries } = contents;
  const value = (entry: number, field: number) => entries[entry * 3 + field] as number;
  const count = () => entries.length / 3;
  const positionAt = (entry: number) => (entry < 0 ? 0 : value(entry, 1));
  let lostAtEnd = 0;
  return {
    base,
    add(frame) {
      const { length } = entries;
      const since = length === 0 ? Number.POSITIVE_INFINITY : contents.bytes - (entries[length - 2] as number);
      if (since >= INTERVAL_BYTES) entries.push(frame.sequence, contents.bytes, frame.enqueuedAtMs);
      const lost = frame.lost ?? 0;
      if (frame.count > 0) lostAtEnd = 0;
      lostAtEnd += lost;
      contents.nextSequence = frame.sequence + frame.count + lost;
      contents.bytes += frame.bytes;
      contents.lastEnqueuedAtMs = frame.enqueuedAtMs;
      contents.note = frame.note ?? contents.note;
    },
    nextSequence: () => contents.nextSequence,
    bytes: () => contents.bytes,
    lastEnqueuedAtMs: () => contents.lastEnqueuedAtMs,
    lostAtEnd: () => lostAtEnd,
    note: () => contents.note,
    positionOf: (sequence) => positionAt(lastWanted(count(), (entry) => value(entry, 0) <= sequence)),
    positionAtTime: (timeMs) => positionAt(lastWanted(count(), (entry) => value(entry, 2) < timeMs)),
    encode: () => encode(contents),
  };
}

export const emptyIndex = (base: number): SegmentIndex =>
  indexOf(base, { nextSequence: base, bytes: 0, lastEnqueuedAtMs: 0, note: undefined, entries: [] });

function encode({ nextSequence, bytes, lastEnqueuedAtMs, note, entries }: Contents): Buffer {
  const noteBytes = note === undefined ? 0 : note.length + 1;
  const file = Buffer.alloc(HEAD_BYTES + (note?.length ?? 0) + entries.length * 8);
  file.writeUInt32BE(MAGIC, 0);
  file.writeDoubleBE(nextSequence, 8);
  file.writeDoubleBE(bytes, 16);
  file.writeDoubleBE(lastEnqueuedAtMs, 24);
  file.writeUInt32BE(noteBytes, 32);
  file.writeUInt32BE(entries.length / 3, 36);
  note?.copy(file, HEAD_BYTES);
  let at = HEAD_BYTES + (note?.length ?? 0);
  for (const number of entries) at = file.writeDoubleBE(number, at);
  file.writeUInt32BE(crc32(file.subarray(8)), 4);
  return file;
}

/** The index in a file; undefined when it is not whole. */
export function decodeIndex(base: number, file: Buffer): SegmentIndex | undefined {
  if (file.length < HEAD_BYTES || file.readUInt32BE(0) !== MAGIC) return undefined;
  if (crc32(file.subarray(8)) !== file.readUInt32BE(4)) return undefined;
  const noteLength = file.readUInt32BE(32) - 1;
  const count = file.readUInt32BE(36);
  const entriesAt = HEAD_BYTES + Math.max(0, noteLength);
  if (file.length !== entriesAt + count * ENTRY_BYTES) return undefined;
  const entries = Array.from({ length: count * 3 }, (_, number) => file.readDoubleBE(entriesAt + number * 8));
  return indexOf(base, {
    nextSequence: file.readDoubleBE(8),
    bytes: file.readDoubleBE(16),
    lastEnqueuedAtMs: file.readDoubleBE(24),
    note: noteLength < 0 ? undefined : file.subarray(HEAD_BYTES, entriesAt),
    entries,
  });
}
