import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatChange, formatNumber, formatWithin } from '../../../src/dashboard/web/format.js';

it('a number is whole where it has room, and else short and within half a percent', () => {
  expect(formatWithin(5, 1_234)).toBe('1,234');
  expect(formatWithin(5, 12_345.6)).toBe('12.3K');
  expect(formatWithin(5, -999_999)).toBe('-1M');
  expect(formatChange(-123_456, 5)).toBe('▼ 123K');
  const scale: Record<string, number> = { K: 1e3, M: 1e6, B: 1e9, T: 1e12 };
  fc.assert(
    fc.property(fc.double({ min: -9e14, max: 9e14, noNaN: true }), fc.integer({ min: 5, max: 12 }), (value, room) => {
      const text = formatWithin(room, value);
      if (formatNumber(value).length <= room) expect(text).toBe(formatNumber(value));
      else {
        expect(text.length).toBeLessThanOrEqual(7);
        const said = Number.parseFloat(text) * (scale[text.at(-1) as string] ?? 1);
        expect(Math.abs(said - value)).toBeLessThanOrEqual(0.006 * Math.abs(value));
      }
    }),
  );
});
