import { createCursor } from './varint.js';

/** More than any block that LevelDB writes for the broker: one value of a batch of messages, and what is around it. */
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
