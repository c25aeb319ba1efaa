import { crc32c, mask } from './crc32c.js';

/**
 * The format of LevelDB's write-ahead logs and of its manifests (doc/log_format.md): blocks of 32 KiB, a record in one
 * piece (FULL) or in several (FIRST, MIDDLE …, LAST), each within a block.
 *
 * ```
 * u32 masked CRC-32C of type and data | u16 bytes of the data | u8 type | data        (little-endian)
 * ```
 *
 * The last bytes of a block that have no room for a head are zero.
 */
const BLOCK_BYTES = 32 * 1024;
const HEAD_BYTES = 7;
const TYPE_AT = 6;
const FULL = 1;
const FIRST = 2;
const MIDDLE = 3;
const LAST = 4;

export interface LogRecord {
  readonly start: number;
  readonly end: number;
  /** Views of the bytes that were read. */
  readonly pieces: readonly Buffer[];
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** What is in a log. Records are synced one after the other: one that a later one follows was durable. */
interface RecordLog {
  /** The whole ones, in order; those behind damage too. */
  readonly records: readonly LogRecord[];
  /** Where something is lost that was durable. */
  readonly damage: readonly Span[];
  /** Where an incomplete last record begins: nobody was told of it. */
  readonly tornAt: number | undefined;
}

/** Whether data can be the beginning of a record: what clients sent must not be taken for one, behind damage. */
export type MayBegin = (data: Buffer, before: LogRecord | undefined, skippedBytes: number) => boolean;

interface Piece {
  readonly type: number;
  readonly data: Buffer;
  readonly end: number;
}

const begins = (type: number): boolean => type === FULL || type === FIRST;

/** Past the end of a block that has no room for a head. */
function headFrom(at: number): number {
  const left = BLOCK_BYTES - (at % BLOCK_BYTES);
  return left < HEAD_BYTES ? at + left : at;
}

/** Where the data of a piece at `at` ends by its head; undefined when that cannot be. */
function endOfPiece(bytes: Buffer, at: number): number | undefined {
  if (at + HEAD_BYTES > bytes.length) return undefined;
  const end = at + HEAD_BYTES + bytes.readUInt16LE(at + 4);
  const left = BLOCK_BYTES - (at % BLOCK_BYTES);
  return end - at > left || end > bytes.length ? undefined : end;
}

const holds = (bytes: Buffer, at: number, end: number): boolean =>
  mask(crc32c(bytes, at + TYPE_AT, end)) === bytes.readUInt32LE(at);

/** The piece at `at`, whole; undefined when what is there is none. */
function readPiece(bytes: Buffer, at: number): Piece | undefined {
  const end = endOfPiece(bytes, at);
  if (end === undefined) return undefined;
  const type = bytes[at + TYPE_AT] as number;
  if (type < FULL || type > LAST || !holds(bytes, at, end)) return undefined;
  return { type, data: bytes.subarray(at + HEAD_BYTES, end), end };
}

/** The next place from `from` on where a record begins; lengths are not believed, so every byte may be one. */
function findBegin(bytes: Buffer, from: number, allowed: (data: Buffer, at: number) => boolean): number | undefined {
  for (let at = from; at + HEAD_BYTES <= bytes.length; at++) {
    if (!begins(bytes[at + TYPE_AT] as number)) continue;
    const end = endOfPiece(bytes, at);
    // The checksum last: it costs the most.
    if (end !== undefined && allowed(bytes.subarray(at + HEAD_BYTES, end), at) && holds(bytes, at, end)) return at;
  }
  return undefined;
}

/** Reads a log whole, and tells what a crash cut short from damage. */
export function readRecordLog(bytes: Buffer, mayBegin: MayBegin = () => true): RecordLog {
  const records: LogRecord[] = [];
  const damage: Span[] = [];
  let open: { readonly start: number; readonly pieces: Buffer[] } | undefined;

  const close = (end: number) => {
    if (open !== undefined) records.push({ ...open, end });
    open = undefined;
  };
  for (let at = headFrom(0); at < bytes.length; at = headFrom(at)) {
    const piece = readPiece(bytes, at);
    if (piece === undefined || (open === undefined && !begins(piece.type))) {
      const from = open?.start ?? at;
      const allowed = (data: Buffer, found: number) => mayBegin(data, records.at(-1), found - from);
      const next = findBegin(bytes, at + 1, allowed);
      if (next === undefined) return { records, damage, tornAt: from };
      damage.push({ from, to: next });
      open = undefined;
      at = next;
      continue;
    }
    if (begins(piece.type)) {
      // Its end is missing, and yet another one was begun.
      if (open !== undefined) damage.push({ from: open.start, to: at });
      open = { start: at, pieces: [] };
    }
    open?.pieces.push(piece.data);
    at = piece.end;
    if (piece.type === FULL || piece.type === LAST) close(at);
  }
  return { records, damage, tornAt: open?.start };
}

/** Writes a log of records. */
export function writeRecordLog(records: readonly (readonly Buffer[])[]): Buffer {
  const slices: Buffer[] = [];
  let at = 0;
  const add = (slice: Buffer) => {
    slices.push(slice);
    at += slice.length;
  };
  for (const pieces of records) {
    const data = Buffer.concat(pieces);
    for (let from = 0, isFirst = true, isLast = false; !isLast; isFirst = false) {
      add(Buffer.alloc(headFrom(at) - at));
      const to = Math.min(data.length, from + BLOCK_BYTES - (at % BLOCK_BYTES) - HEAD_BYTES);
      isLast = to === data.length;
      add(encodePiece(isFirst ? (isLast ? FULL : FIRST) : isLast ? LAST : MIDDLE, data.subarray(from, to)));
      from = to;
    }
  }
  return Buffer.concat(slices);
}

function encodePiece(type: number, data: Buffer): Buffer {
  const piece = Buffer.alloc(HEAD_BYTES + data.length);
  piece.writeUInt16LE(data.length, 4);
  piece[TYPE_AT] = type;
  data.copy(piece, HEAD_BYTES);
  piece.writeUInt32LE(mask(crc32c(piece, TYPE_AT)), 0);
  return piece;
}
