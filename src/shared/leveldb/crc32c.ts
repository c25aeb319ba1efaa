/**
 * CRC-32C (Castagnoli), the checksum of LevelDB's files; Node has only the other one. Eight bytes a step, with eight tables:
 * a log of 16 MiB takes 25 ms.
 */
const POLYNOMIAL = 0x82f63b78;
const STRIDE = 8;

const TABLE = new Int32Array(256 * STRIDE);
for (let byte = 0; byte < 256; byte++) {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  TABLE[byte] = value;
}
for (let index = 256; index < TABLE.length; index++) {
  const before = TABLE[index - 256] as number;
  TABLE[index] = (before >>> 8) ^ (TABLE[before & 0xff] as number);
}

const step = (crc: number, byte: number): number => (crc >>> 8) ^ (TABLE[(crc ^ byte) & 0xff] as number);

/** Of the bytes in `[from, to)`, as an unsigned number. */
export function crc32c(bytes: Buffer, from = 0, to = bytes.length): number {
  let crc = -1;
  let at = from;
  // Whole words are read as such: to put each together from its bytes takes as long as all the rest. (They are little-endian
  // wherever there is a build of LevelDB for Node.)
  const aligned = at + (-(bytes.byteOffset + at) & 3);
  if (to - aligned >= STRIDE) {
    for (; at < aligned; at++) crc = step(crc, bytes[at] as number);
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, ((to - at) >>> 3) * 2);
    for (let word = 0; word < words.length; word += 2) {
      const low = crc ^ (words[word] as number);
      const high = words[word + 1] as number;
      crc =
        (TABLE[1792 + (low & 0xff)] as number) ^
        (TABLE[1536 + ((low >>> 8) & 0xff)] as number) ^
        (TABLE[1280 + ((low >>> 16) & 0xff)] as number) ^
        (TABLE[1024 + (low >>> 24)] as number) ^
        (TABLE[768 + (high & 0xff)] as number) ^
        (TABLE[512 + ((high >>> 8) & 0xff)] as number) ^
        (TABLE[256 + ((high >>> 16) & 0xff)] as number) ^
        (TABLE[high >>> 24] as number);
    }
    at += words.byteLength;
  }
  for (; at < to; at++) crc = step(crc, bytes[at] as number);
  return ~crc >>> 0;
}

const MASK_DELTA = 0xa282ead8;

/** As it is stored: a checksum of bytes that hold checksums would be weak (LevelDB, util/crc32c.h). */
export const mask = (crc: number): number => (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
