import { createCursor, varint } from './varint.js';

/** More than any block that LevelDB writes for us: one value of a batch of messages, and what is around it. */
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * Decompresses a block in the format of Snappy (format_description.txt).
 * @throws RangeError when it is none.
 */
export function decompressSnappy(bytes: Buffer): Buffer {
  const head = createCursor(bytes);
  const length = head.number();
  if (length > MOST_BYTES) throw new RangeError('too long');
  const out = Buffer.alloc(length);
  let [at, end] = [head.at(), 0];
  const need = (condition: boolean) => {
    if (!condition) throw new RangeError('not a compressed block');
  };

  function literal(tag: number): void {
    let count = (tag >>> 2) + 1;
    if (count > 60) {
      const lengthBytes = count - 60;
      count = bytes.readUIntLE(at, lengthBytes) + 1;
      at += lengthBytes;
    }
    need(count <= bytes.length - at && count <= length - end);
    bytes.copy(out, end, at, at + count);
    at += count;
    end += count;
  }

  function copy(count: number, offset: number): void {
    need(offset > 0 && offset <= end && count <= length - end);
    // Byte by byte: what is copied may reach into what it makes.
    for (const stop = end + count; end < stop; end++) out[end] = out[end - offset] as number;
  }

  while (at < bytes.length) {
    const tag = bytes.readUInt8(at++);
    const kind = tag & 3;
    if (kind === 0) {
      literal(tag);
      continue;
    }
    const offsetBytes = kind === 3 ? 4 : kind;
    const low = bytes.readUIntLE(at, offsetBytes);
    at += offsetBytes;
    if (kind === 1) copy(((tag >>> 2) & 7) + 4, ((tag >>> 5) << 8) | low);
    else copy((tag >>> 2) + 1, low);
  }
  need(end === length);
  return out;
}

const SEEN_BITS = 14;
const LEAST_COPY_BYTES = 4;
const MOST_COPY_BYTES = 64;
const MOST_OFFSET = 0xffff;
const MOST_SHORT_LITERAL = 60;

/** Compresses in that format, by the last place of each four bytes: nearly what LevelDB makes of the same. */
export function compressSnappy(bytes: Buffer): Buffer {
  const out: Buffer[] = [varint(bytes.length)];
  /** By a hash of four bytes: where they were last, and one more. */
  const seen = new Int32Array(1 << SEEN_BITS);
  let from = 0;

  function literal(to: number): void {
    const count = to - from;
    if (count === 0) return;
    const isShort = count <= MOST_SHORT_LITERAL;
    const head = Buffer.alloc(isShort ? 1 : 5, isShort ? (count - 1) << 2 : (MOST_SHORT_LITERAL + 3) << 2);
    if (!isShort) head.writeUInt32LE(count - 1, 1);
    out.push(head, bytes.subarray(from, to));
  }

  for (let at = 0; at + LEAST_COPY_BYTES <= bytes.length; ) {
    const four = bytes.readInt32LE(at);
    const slot = Math.imul(four, 0x1e35a7bd) >>> (32 - SEEN_BITS);
    const before = (seen[slot] as number) - 1;
    seen[slot] = at + 1;
    const offset = at - before;
    if (before < 0 || offset > MOST_OFFSET || bytes.readInt32LE(before) !== four) {
      at++;
      continue;
    }
    let count = LEAST_COPY_BYTES;
    while (count < MOST_COPY_BYTES && at + count < bytes.length && bytes[at + count] === bytes[before + count]) count++;
    literal(at);
    out.push(Buffer.from([((count - 1) << 2) | 2, offset & 0xff, offset >>> 8]));
    at += count;
    from = at;
  }
  literal(bytes.length);
  return Buffer.concat(out);
}
