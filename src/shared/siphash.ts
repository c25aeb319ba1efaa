/** A 64-bit hash as two halves; the object is the same each time. */
export interface Hash64 {
  high: number;
  low: number;
}

const result: Hash64 = { high: 0, low: 0 };

/**
 * HalfSipHash-1-3 with 64 bits of result (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012, and its
 * reference implementation with 32-bit words), over UTF-16 code units, two to a word. Without the key nobody can find
 * texts of equal hash.
 */
export function sipHash(text: string, key0: number, key1: number): Hash64 {
  let a = key0 | 0;
  let b = (key1 ^ 0xee) | 0;
  let c = (key0 ^ 0x6c796765) | 0;
  let d = (key1 ^ 0x74656462) | 0;
  const { length } = text;
  const pairs = length >> 1;
  // The round stands here twice: every event's id passes this loop, and nothing in it is decided word by word.
  for (let pair = 0; pair < pairs; pair++) {
    const m = text.charCodeAt(2 * pair) | (text.charCodeAt(2 * pair + 1) << 16);
    d ^= m;
    a = (a + b) | 0;
    b = ((b << 5) | (b >>> 27)) ^ a;
    a = (a << 16) | (a >>> 16);
    c = (c + d) | 0;
    d = ((d << 8) | (d >>> 24)) ^ c;
    a = (a + d) | 0;
    d = ((d << 7) | (d >>> 25)) ^ a;
    c = (c + b) | 0;
    b = ((b << 13) | (b >>> 19)) ^ c;
    c = (c << 16) | (c >>> 16);
    a ^= m;
  }
  // The last word has the length in bytes and, where units are odd, the last. Three rounds end each half of the result.
  for (let round = 0; round < 7; round++) {
    const m = round === 0 ? (length << 25) | ((length & 1) === 1 ? text.charCodeAt(length - 1) : 0) : 0;
    if (round === 1) c ^= 0xee;
    if (round === 4) {
      result.high = (b ^ d) >>> 0;
      b ^= 0xdd;
    }
    d ^= m;
    a = (a + b) | 0;
    b = ((b << 5) | (b >>> 27)) ^ a;
    a = (a << 16) | (a >>> 16);
    c = (c + d) | 0;
    d = ((d << 8) | (d >>> 24)) ^ c;
    a = (a + d) | 0;
    d = ((d << 7) | (d >>> 25)) ^ a;
    c = (c + b) | 0;
    b = ((b << 13) | (b >>> 19)) ^ c;
    c = (c << 16) | (c >>> 16);
    a ^= m;
  }
  result.low = (b ^ d) >>> 0;
  return result;
}
