import { crc32 } from 'node:zlib';
import { ENTRY_BYTES } from './entry.js';

/** `magic, entries, CRC-32 of the entries`, and then the entries, in the byte order of the machine: files never leave it. */
const HEADER_WORDS = 3;
const HEADER_BYTES = HEADER_WORDS * Int32Array.BYTES_PER_ELEMENT;
const MAGIC = 0x314b5350;

export function encodeBlock(entries: Int32Array): Buffer {
  const block = new Int32Array(HEADER_WORDS + entries.length);
  block.set(entries, HEADER_WORDS);
  const bytes = Buffer.from(block.buffer);
  block.set([MAGIC, entries.byteLength / ENTRY_BYTES, crc32(bytes.subarray(HEADER_BYTES))]);
  return bytes;
}

export interface DecodedBlocks {
  readonly blocks: readonly Int32Array[];
  /** How many bytes they took. What comes after is not whole, or not sound. */
  readonly bytes: number;
}

/** The blocks from the front, up to the first that is not whole and sound: a crash may have left half of one. */
export function decodeBlocks(bytes: Buffer): DecodedBlocks {
  const blocks: Int32Array[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    const [magic, count, sum] = new Int32Array(copyOf(bytes.subarray(at, at + HEADER_BYTES)));
    const from = at + HEADER_BYTES;
    const end = from + (count as number) * ENTRY_BYTES;
    if (magic !== MAGIC || end < from || end > bytes.length) break;
    const entries = bytes.subarray(from, end);
    if ((crc32(entries) | 0) !== sum) break;
    blocks.push(new Int32Array(copyOf(entries)));
    at = end;
  }
  return { blocks, bytes: at };
}

/** Aligned, as words have to be. */
const copyOf = (bytes: Buffer): ArrayBuffer => Uint8Array.from(bytes).buffer;
