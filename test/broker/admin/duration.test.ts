import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FOREVER, formatDuration } from '../../../src/broker/admin/duration.js';
import { parseDuration } from '../../../src/broker/topology/index.js';

describe('formatDuration', () => {
  it.each([
    [0, 'PT0S'],
    [1, 'PT0.001S'],
    [60_000, 'PT1M'],
    [90_500, 'PT1M30.5S'],
    [13 * 3_600_000, 'PT13H'],
    [14 * 86_400_000, 'P14D'],
    [86_400_000 + 3_600_000, 'P1DT1H'],
    [Number.POSITIVE_INFINITY, FOREVER],
  ])('writes %d ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it('is read back as the same time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000 * 86_400_000 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });
});
