import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createSealer, unseal } from '../../../src/broker/store/checksums.js';

const seal = createSealer();
const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));

it('a value comes back as it was, and with any bit changed, in it or in its key, not at all', () => {
  fc.assert(
    fc.property(bytes, bytes, fc.nat(), (key, value, bit) => {
      const sealed = seal(key, value);
      expect(unseal(key, sealed)?.equals(value)).toBe(true);
      const at = bit % ((key.length + sealed.length) * 8);
      const both = Buffer.concat([key, sealed]);
      both[at >> 3] = (both[at >> 3] as number) ^ (1 << (at & 7));
      expect(unseal(both.subarray(0, key.length), both.subarray(key.length))).toBeUndefined();
      expect(unseal(key, sealed.subarray(1))?.equals(value)).not.toBe(true);
    }),
  );
});

it('a value of any size is sealed, whatever was sealed before', () => {
  const key = Buffer.from('k');
  for (const size of [10, 1_000_000, 64 * 1024, 64 * 1024 - 4, 0, 3]) {
    const value = Buffer.alloc(size, size);
    expect(unseal(key, seal(key, value))?.equals(value)).toBe(true);
  }
});

it('a value that is too short is none', () => {
  expect(unseal(Buffer.from('k'), Buffer.alloc(3))).toBeUndefined();
});
