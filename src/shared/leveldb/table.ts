import { crc32c, mask } from './crc32c.js';
import { compressSnappy, decompressSnappy } from './snappy.js';
import { createCursor, varint } from './varint.js';

/**
 * The format of LevelDB's tables (doc/table_format.md): blocks of data, a block with the filter, an index of that, the index
 * of the data, and a footer that says where the last two are. Behind each block are its type (1: compressed) and the masked
 * CRC-32C of both.
 */
export const FOOTER_BYTES = 48;
const MAGIC = Buffer.from('57fb808b247547db', 'hex');
const HANDLES_BYTES = FOOTER_BYTES - MAGIC.length;
const TRAILER_BYTES = 5;
const COMPRESSED = 1;

/** Where a block lies, without what is behind it. */
export interface BlockHandle {
  readonly offset: number;
  readonly size: number;
}

export interface Footer {
  readonly metaIndex: BlockHandle;
  readonly index: BlockHandle;
}

type Cursor = ReturnType<typeof createCursor>;
const readHandle = (cursor: Cursor): BlockHandle => ({ offset: cursor.number(), size: cursor.number() });

/** The end of a block with what is behind it. */
const endOfBlock = ({ offset, size }: BlockHandle): number => offset + size + TRAILER_BYTES;

/** The footer in the last bytes of a file; undefined when it is none. */
export function readFooter(tail: Buffer, fileBytes: number): Footer | undefined {
  if (tail.length < FOOTER_BYTES) return undefined;
  const footer = tail.subarray(tail.length - FOOTER_BYTES);
  if (!footer.subarray(HANDLES_BYTES).equals(MAGIC)) return undefined;
  try {
    const cursor = createCursor(footer.subarray(0, HANDLES_BYTES));
    const read = { metaIndex: readHandle(cursor), index: readHandle(cursor) };
    const fits = (handle: BlockHandle) => endOfBlock(handle) <= fileBytes - FOOTER_BYTES;
    return fits(read.metaIndex) && fits(read.index) ? read : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the checksum of a block holds, in bytes that begin at `base` of the file. */
export function isWhole(bytes: Buffer, handle: BlockHandle, base: number): boolean {
  const [from, end] = [handle.offset - base, endOfBlock(handle) - base];
  const typeAt = end - TRAILER_BYTES;
  if (from < 0 || end > bytes.length) return false;
  return mask(crc32c(bytes, from, typeAt + 1)) === bytes.readUInt32LE(typeAt + 1);
}

/** What a whole block holds. */
export function contentsOf(bytes: Buffer, { offset, size }: BlockHandle, base: number): Buffer {
  const end = offset - base + size;
  const contents = bytes.subarray(offset - base, end);
  return bytes[end] === COMPRESSED ? decompressSnappy(contents) : contents;
}

export interface IndexEntry {
  readonly key: Buffer;
  readonly handle: BlockHandle;
}

/**
 * The entries of a block whose values are handles: an index. Keys are written without what they share with the one before.
 * @throws RangeError when it is none.
 */
export function readIndex(block: Buffer): IndexEntry[] {
  const restarts = block.readUInt32LE(block.length - 4);
  const entries = createCursor(block.subarray(0, block.length - 4 * (restarts + 1)));
  const found: IndexEntry[] = [];
  let key: Buffer = Buffer.alloc(0);
  while (entries.hasMore()) {
    const [shared, unshared, valueBytes] = [entries.number(), entries.number(), entries.number()];
    key = Buffer.concat([key.subarray(0, shared), entries.take(unshared)]);
    found.push({ key, handle: readHandle(createCursor(entries.take(valueBytes))) });
  }
  return found;
}

/** Every so many keys one is written whole, for who looks from there on. */
const WHOLE_KEY_INTERVAL = 16;

/** Keys without what they share with the one before: the new index has the room that LevelDB's had, and not more. */
function encodeIndex(entries: readonly IndexEntry[]): Buffer {
  const slices: Buffer[] = [];
  const restarts: number[] = [];
  let at = 0;
  let before: Buffer = Buffer.alloc(0);
  for (const [number, { key, handle }] of entries.entries()) {
    const isWholeKey = number % WHOLE_KEY_INTERVAL === 0;
    const shared = isWholeKey ? 0 : sharedBytes(before, key);
    const value = Buffer.concat([varint(handle.offset), varint(handle.size)]);
    const lengths = [varint(shared), varint(key.length - shared), varint(value.length)];
    const entry = Buffer.concat([...lengths, key.subarray(shared), value]);
    if (isWholeKey) restarts.push(at);
    slices.push(entry);
    at += entry.length;
    before = key;
  }
  if (restarts.length === 0) restarts.push(0);
  const tail = Buffer.alloc(4 * (restarts.length + 1));
  for (const [index, restart] of [...restarts, restarts.length].entries()) tail.writeUInt32LE(restart, 4 * index);
  return sealBlock(Buffer.concat([...slices, tail]));
}

function sharedBytes(one: Buffer, other: Buffer): number {
  let count = 0;
  while (count < one.length && count < other.length && one[count] === other[count]) count++;
  return count;
}

/** Compressed where that is shorter, as LevelDB does it. */
function sealBlock(contents: Buffer): Buffer {
  const compressed = compressSnappy(contents);
  const isShorter = compressed.length < contents.length;
  const stored = isShorter ? compressed : contents;
  const block = Buffer.alloc(stored.length + TRAILER_BYTES);
  stored.copy(block);
  if (isShorter) block[stored.length] = COMPRESSED;
  block.writeUInt32LE(mask(crc32c(block, 0, stored.length + 1)), stored.length + 1);
  return block;
}

/**
 * A table with the data blocks of `entries` alone: its index and its footer written anew, in a file of the same size, as the
 * manifest knows it. Without the filter, which only saves reads, and whose place they take. Undefined when there is no room.
 */
export function withEntries(file: Buffer, entries: readonly IndexEntry[]): Buffer | undefined {
  const dataEnd = entries.reduce((end, { handle }) => Math.max(end, endOfBlock(handle)), 0);
  const metaIndex = encodeIndex([]);
  const index = encodeIndex(entries);
  const metaAt = file.length - FOOTER_BYTES - index.length - metaIndex.length;
  if (metaAt < dataEnd) return undefined;
  const footer = Buffer.alloc(FOOTER_BYTES);
  const handleOf = (offset: number, block: Buffer) =>
    Buffer.concat([varint(offset), varint(block.length - TRAILER_BYTES)]);
  Buffer.concat([handleOf(metaAt, metaIndex), handleOf(metaAt + metaIndex.length, index)]).copy(footer);
  MAGIC.copy(footer, HANDLES_BYTES);
  return Buffer.concat([file.subarray(0, metaAt), metaIndex, index, footer]);
}
