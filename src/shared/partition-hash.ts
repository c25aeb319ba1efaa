import { writeAscii } from './ascii.js';

/**
 * The partition that Event Hubs gives to a partition key: Bob Jenkins' lookup3 (`hashlittle2`, public domain) with both
 * seeds 0 over the key's UTF-8 bytes, folded to a signed 16-bit integer, modulo the number of partitions. The service
 * and its SDKs compute the same; test/shared/partition-hash.test.ts holds the two together.
 */
export function partitionForKey(key: string, partitionCount: number): number {
  return Math.abs(hashKey(key) % partitionCount);
}

const scratch = Buffer.allocUnsafe(1024);
const rotate = (value: number, bits: number) => (value << bits) | (value >>> (32 - bits));

function hashKey(key: string): number {
  // Keys are short and mostly ASCII; one that is not gets a buffer of its own.
  const fits = key.length <= scratch.length && writeAscii(scratch, 0, key) === key.length;
  const data = fits ? scratch : Buffer.from(key, 'utf8');
  const length = fits ? key.length : data.length;
  const word = (at: number) =>
    (data[at] as number) |
    ((data[at + 1] as number) << 8) |
    ((data[at + 2] as number) << 16) |
    ((data[at + 3] as number) << 24);

  let a = (0xdeadbeef + length) | 0;
  let b = a;
  let c = a;
  let at = 0;
  let left = length;
  for (; left > 12; at += 12, left -= 12) {
    a = (a + word(at)) | 0;
    b = (b + word(at + 4)) | 0;
    c = (c + word(at + 8)) | 0;
    a = ((a - c) ^ rotate(c, 4)) | 0;
    c = (c + b) | 0;
    b = ((b - a) ^ rotate(a, 6)) | 0;
    a = (a + c) | 0;
    c = ((c - b) ^ rotate(b, 8)) | 0;
    b = (b + a) | 0;
    a = ((a - c) ^ rotate(c, 16)) | 0;
    c = (c + b) | 0;
    b = ((b - a) ^ rotate(a, 19)) | 0;
    a = (a + c) | 0;
    c = ((c - b) ^ rotate(b, 4)) | 0;
    b = (b + a) | 0;
  }
  if (left === 0) return ((c ^ b) << 16) >> 16;
  // The tail counts as if it were padded with zeros.
  const tail = (from: number) => {
    let value = 0;
    for (let byte = 0; byte < 4 && from + byte < left; byte++)
      value |= (data[at + from + byte] as number) << (8 * byte);
    return value;
  };
  a = (a + tail(0)) | 0;
  b = (b + tail(4)) | 0;
  c = (c + tail(8)) | 0;
  c = ((c ^ b) - rotate(b, 14)) | 0;
  a = ((a ^ c) - rotate(c, 11)) | 0;
  b = ((b ^ a) - rotate(a, 25)) | 0;
  c = ((c ^ b) - rotate(b, 16)) | 0;
  a = ((a ^ c) - rotate(c, 4)) | 0;
  b = ((b ^ a) - rotate(a, 14)) | 0;
  c = ((c ^ b) - rotate(b, 24)) | 0;
  return ((c ^ b) << 16) >> 16;
}
