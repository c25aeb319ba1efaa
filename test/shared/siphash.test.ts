import { expect, test } from 'vitest';
import { sipHash } from '../../src/shared/siphash.js';

const hashOf = (text: string, key0 = 1, key1 = 2) => {
  const { high, low } = sipHash(text, key0, key1);
  return `${high}:${low}`;
};

/** The same by the definition, over bytes and in steps that can be compared with the paper. */
function byDefinition(text: string, key0: number, key1: number): string {
  const bytes = Buffer.from(text, 'utf16le');
  const v = new Uint32Array([key0, key1 ^ 0xee, key0 ^ 0x6c796765, key1 ^ 0x74656462]) as unknown as [
    number,
    number,
    number,
    number,
  ];
  const rotate = (value: number, bits: number) => ((value << bits) | (value >>> (32 - bits))) >>> 0;
  const round = () => {
    v[0] += v[1];
    v[1] = rotate(v[1], 5) ^ v[0];
    v[0] = rotate(v[0], 16);
    v[2] += v[3];
    v[3] = rotate(v[3], 8) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 7) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 13) ^ v[2];
    v[2] = rotate(v[2], 16);
  };
  const padded = Buffer.concat([bytes, Buffer.alloc(4 - (bytes.length % 4))]);
  padded[padded.length - 1] = bytes.length & 0xff;
  for (let at = 0; at < padded.length; at += 4) {
    v[3] ^= padded.readUInt32LE(at);
    round();
    v[0] ^= padded.readUInt32LE(at);
  }
  const finish = () => {
    round();
    round();
    round();
    return (v[1] ^ v[3]) >>> 0;
  };
  v[2] ^= 0xee;
  const high = finish();
  v[1] ^= 0xdd;
  return `${high}:${finish()}`;
}

test('it is HalfSipHash-1-3 over the UTF-16 code units, for texts of any length and any key', () => {
  for (const text of ['', 'a', 'ab', 'abc', '01234567-89ab-cdef-0123-456789abcdef', 'ä€𝄞', 'x'.repeat(300)]) {
    for (const [key0, key1] of [
      [0, 0],
      [1, 2],
      [0xffffffff, 0x80000000],
    ] as const) {
      expect(hashOf(text, key0, key1), text).toBe(byDefinition(text, key0, key1));
    }
  }
});

test('another key is another hash, and texts that are alike have hashes that are not', () => {
  expect(hashOf('text', 1, 2)).not.toBe(hashOf('text', 1, 3));
  expect(hashOf('text', 1, 2)).not.toBe(hashOf('text', 2, 2));
  const hashes = new Set(Array.from({ length: 100_000 }, (_, index) => hashOf(`visitor-${index}`)));
  expect(hashes.size).toBe(100_000);
});
