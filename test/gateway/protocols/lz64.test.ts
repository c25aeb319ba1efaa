import fc from 'fast-check';
import lzString from 'lz-string';
import { describe, expect, it } from 'vitest';
import { decodeLz64 } from '../../../src/gateway/protocols/lz64.js';

/** The library takes its time on a machine that has other work. */
const PATIENCE_MS = 120_000;

describe('lz64', { timeout: PATIENCE_MS }, () => {
  it('gives back whatever the library has packed', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('a', 'b', 'é', '€') }),
      fc.json(),
    );
    fc.assert(
      fc.property(texts, (text) => {
        expect(decodeLz64(lzString.compressToBase64(text), text.length)).toBe(text);
      }),
    );
  });

  it('stops at its bound, however little it was given', () => {
    const bomb = lzString.compressToBase64('a'.repeat(1_000_000));
    expect(bomb.length).toBeLessThan(5000);
    expect(decodeLz64(bomb, 100_000)).toBeUndefined();
  });

  it('refuses what is cut short or something else, and never throws', () => {
    const packed = lzString.compressToBase64('a text that is long enough to be cut');
    for (let length = 0; length < packed.length - 4; length++) {
      expect(decodeLz64(packed.slice(0, length), 1000)).toBeUndefined();
    }
    fc.assert(
      fc.property(fc.base64String(), (text) => {
        const result = decodeLz64(text, 100);
        expect(result === undefined || result.length <= 100).toBe(true);
      }),
    );
  });
});
