import { crc32 } from 'node:zlib';

/**
 * A frame is what one send appended to a partition: its events become visible and survive all together or not at all.
 * Numbers are big-endian.
 *
 * ```
 *  0 u32 magic and version      12 u32 count of events        32 f64 durable below, when this was written
 *  4 u32 bytes of the frame     16 f64 first sequence number  40 u32 bytes of the note + 1; 0: no note
 *  8 u32 CRC-32 of all behind   24 f64 enqueued at, ms        44 note, then for each event u32 bytes, record
 * ```
 *
 * `durable below` tells a torn tail from damage: every event below that number was on disk, and so may have been
 * acknowledged, before this frame was written. A frame without events opens a segment and carries the note over; with an
 * f64 behind the note it stands for so many events that a repair could not read.
 */
const FRAME_MAGIC = 0x50534531;
const FRAME_HEAD_BYTES = 44;
const LOST_BYTES = 8;
export const EVENT_HEAD_BYTES = 4;
const CRC_FROM = 12;
/** A transfer of 1 MiB may be split into events as small as can be, each with the annotations of the broker. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;

export interface FrameFields {
  readonly sequence: number;
  readonly count: number;
  readonly enqueuedAtMs: number;
  readonly durableBelow: number;
  /** State of the partition that has to be durable together with these events. */
  readonly note?: Buffer | undefined;
}

export const frameBytes = (recordBytes: number, count: number, note: Buffer | undefined): number =>
  FRAME_HEAD_BYTES + (note?.length ?? 0) + EVENT_HEAD_BYTES * count + recordBytes;

/** Where the events of a frame that begins at `start` are written to. */
export const eventsStart = (start: number, note: Buffer | undefined): number =>
  start + FRAME_HEAD_BYTES + (note?.length ?? 0);

/** Completes a frame whose events lie in `[eventsStart, end)` already. */
export function sealFrame(into: Buffer, { start, end }: { start: number; end: number }, fields: FrameFields): void {
  into.writeUInt32BE(FRAME_MAGIC, start);
  into.writeUInt32BE(end - start, start + 4);
  into.writeUInt32BE(fields.count, start + 12);
  into.writeDoubleBE(fields.sequence, start + 16);
  into.writeDoubleBE(fields.enqueuedAtMs, start + 24);
  into.writeDoubleBE(fields.durableBelow, start + 32);
  into.writeUInt32BE(fields.note === undefined ? 0 : fields.note.length + 1, start + 40);
  fields.note?.copy(into, start + FRAME_HEAD_BYTES);
  into.writeUInt32BE(crc32(into.subarray(start + CRC_FROM, end)), start + 8);
}

/** The frame that opens a segment. */
export function openingFrame(fields: Omit<FrameFields, 'count'>): Buffer {
  const frame = Buffer.allocUnsafe(frameBytes(0, 0, fields.note));
  sealFrame(frame, { start: 0, end: frame.length }, { ...fields, count: 0 });
  return frame;
}

/** The frame that takes the place of events that are lost: their numbers are never given again. */
export function gapFrame(fields: Omit<FrameFields, 'count' | 'note'>, lost: number): Buffer {
  const frame = Buffer.allocUnsafe(frameBytes(LOST_BYTES, 0, undefined));
  frame.writeDoubleBE(lost, eventsStart(0, undefined));
  sealFrame(frame, { start: 0, end: frame.length }, { ...fields, count: 0 });
  return frame;
}

export interface Frame extends FrameFields {
  /** How many events a repair could not read here; 0 in all other frames. */
  readonly lost: number;
  readonly bytes: number;
  /** Where the first event begins in the buffer that was read from. */
  readonly eventsAt: number;
}

export type FrameRead =
  | { readonly kind: 'frame'; readonly frame: Frame }
  /** It may be whole once there are this many bytes. */
  | { readonly kind: 'short'; readonly needBytes: number }
  | { readonly kind: 'invalid' };

/** Reads the frame at `at`, and believes nothing in it before the checksum holds. */
export function readFrame(buffer: Buffer, at: number): FrameRead {
  const available = buffer.length - at;
  if (available < FRAME_HEAD_BYTES) return { kind: 'short', needBytes: FRAME_HEAD_BYTES };
  if (buffer.readUInt32BE(at) !== FRAME_MAGIC) return { kind: 'invalid' };
  const bytes = buffer.readUInt32BE(at + 4);
  if (bytes < FRAME_HEAD_BYTES || bytes > MAX_FRAME_BYTES) return { kind: 'invalid' };
  if (bytes > available) return { kind: 'short', needBytes: bytes };
  if (crc32(buffer.subarray(at + CRC_FROM, at + bytes)) !== buffer.readUInt32BE(at + 8)) return { kind: 'invalid' };
  const noteLength = buffer.readUInt32BE(at + 40) - 1;
  const noteAt = at + FRAME_HEAD_BYTES;
  const note = noteLength < 0 ? undefined : buffer.subarray(noteAt, noteAt + noteLength);
  const count = buffer.readUInt32BE(at + 12);
  const eventsAt = eventsStart(at, note);
  return {
    kind: 'frame',
    frame: {
      bytes,
      count,
      lost: count === 0 && eventsAt + LOST_BYTES <= at + bytes ? buffer.readDoubleBE(eventsAt) : 0,
      sequence: buffer.readDoubleBE(at + 16),
      enqueuedAtMs: buffer.readDoubleBE(at + 24),
      durableBelow: buffer.readDoubleBE(at + 32),
      note,
      eventsAt,
    },
  };
}

export interface LogEvent {
  readonly sequence: number;
  readonly record: Buffer;
}

/** The events of a frame from `from` on, as views of `buffer`. */
export function eventsOf(buffer: Buffer, frame: Frame, from: number, into: LogEvent[]): void {
  let at = frame.eventsAt;
  for (let sequence = frame.sequence; sequence < frame.sequence + frame.count; sequence++) {
    const end = at + EVENT_HEAD_BYTES + buffer.readUInt32BE(at);
    if (sequence >= from) into.push({ sequence, record: buffer.subarray(at + EVENT_HEAD_BYTES, end) });
    at = end;
  }
}

export const MAGIC_BYTES = Buffer.alloc(4);
MAGIC_BYTES.writeUInt32BE(FRAME_MAGIC);

/**
 * Whether something that was durable is damaged at the beginning of `rest`, where the frame with `sequence` should be:
 * a later frame that is whole says that this one was on disk before it. Otherwise nobody was told of what is here.
 */
export function wasDurable(rest: Buffer, sequence: number): boolean {
  for (let at = rest.indexOf(MAGIC_BYTES); at >= 0; at = rest.indexOf(MAGIC_BYTES, at + 1)) {
    const read = readFrame(rest, at);
    if (read.kind === 'frame' && read.frame.durableBelow > sequence) return true;
  }
  return false;
}
