import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeDuration, parseDuration } from '../../../src/broker/topology/duration.js';

describe('parseDuration', () => {
  it.each([
    ['PT13H', 46_800_000],
    ['P14D', 1_209_600_000],
    ['P2W', 1_209_600_000],
    ['PT1M', 60_000],
    ['PT0.5S', 500],
    ['P1DT2H3M4.005S', 93_784_005],
    ['PT0S', 0],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it('reads the longest time span of .NET as never', () => {
    expect(parseDuration('P10675199DT2H48M5.4775807S')).toBe(Infinity);
  });

  it.each(['', 'P', 'PT', 'P1DT', '13h', 'PT13', '-PT1H', 'P1Y', 'P1M', 'PT1H ', 'PT1.5H', 'P1W2D'])(
    'refuses %j, which has no fixed length or is no duration',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  it('is additive over its parts', () => {
    const part = fc.nat(100_000);
    fc.assert(
      fc.property(part, part, part, part, (days, hours, minutes, seconds) => {
        const text = `P${days}DT${hours}H${minutes}M${seconds}S`;
        expect(parseDuration(text)).toBe((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000);
      }),
    );
  });

  it('answers at once whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'PTDHMSW0123456789.'), maxLength: 2000 }), (text) => {
        const ms = parseDuration(text);
        expect(ms === undefined || ms >= 0).toBe(true);
      }),
    );
  });
});

describe('describeDuration', () => {
  it('says a duration in the units of people', () => {
    expect([0, 60_000, 46_800_000, 93_784_005, Infinity].map(describeDuration)).toEqual([
      '0 s',
      '1 min',
      '13 h',
      '1 d 2 h 3 min 4 s 5 ms',
      'never',
    ]);
  });
});
