import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compressSnappy, decompressSnappy } from '../../../src/shared/leveldb/snappy.js';

it('gives back what was compressed, whatever it was', () => {
  const few = fc.uint8Array({ max: 2, maxLength: 400 });
  const texts = fc
    .array(fc.constantFrom('hub:clicks/0', '000000000001', 'x', '\u0001\u0000'), { maxLength: 20_000, size: 'max' })
    .map((parts) => Buffer.from(parts.join('')));
  fc.assert(
    fc.property(fc.oneof(few, fc.uint8Array({ maxLength: 500 }), texts), (bytes) => {
      expect(decompressSnappy(compressSnappy(Buffer.from(bytes))).equals(bytes)).toBe(true);
    }),
    { numRuns: 200 },
  );
});

it('makes a repetition short', () => {
  expect(compressSnappy(Buffer.alloc(10_000, 'hub:clicks/0')).length).toBeLessThan(1_000);
});
