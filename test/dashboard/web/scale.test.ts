import fc from 'fast-check';
import { expect, it } from 'vitest';
import { scaleOf } from '../../../src/dashboard/web/scale.js';

it('a few are few: counts have a scale of five at least', () => {
  for (const values of [[], [null], [0, 0], [1, 2, null]]) {
    expect(scaleOf(values)).toEqual({ from: 0, to: 5, isOfCounts: true });
  }
  expect(scaleOf([3, 100]).to).toBeCloseTo(108);
});

it('a small fraction has a scale of its own size', () => {
  expect(scaleOf([0.02, 0, null])).toEqual({ from: 0, to: expect.closeTo(0.0216), isOfCounts: false });
  expect(scaleOf([-0.02, 0])).toEqual({ from: expect.closeTo(-0.0216), to: 0, isOfCounts: false });
});

it('has room for every value and for 0, and no fraction is flat', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -1e12, max: 1e12, noNaN: true }), { minLength: 1 }), (values) => {
      const { from, to, isOfCounts } = scaleOf(values);
      expect(Math.min(0, ...values)).toBeGreaterThanOrEqual(from);
      expect(Math.max(0, ...values)).toBeLessThanOrEqual(to);
      expect(from).toBeLessThan(to);
      const largest = Math.max(...values.map(Math.abs));
      if (!isOfCounts) expect(Math.max(-from, to)).toBeLessThanOrEqual(1.1 * largest);
    }),
  );
});
