import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatChange,
  formatDayMinute,
  formatLabel,
  formatMinutes,
  formatMoney,
  formatName,
  formatNumber,
  formatOnScale,
  formatTick,
  formatWhen,
  formatWithin,
} from '../../../src/dashboard/web/format.js';

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

it('a share is no 0', () => {
  expect([0.034, -0.5, 0, 1.04, 1e15].map(formatNumber)).toEqual(['0.03', '-0.5', '0', '1', '1,000,000,000,000,000']);
});

it('an amount of money has its cents, or none', () => {
  expect([15_017.9, 1_200, -0.5, 12.3456].map(formatMoney)).toEqual(['15,017.90', '1,200', '-0.50', '12.35']);
});

it('a step is told in the largest unit that it is a whole number of', () => {
  expect([1, 5, 60, 90, 120].map(formatMinutes)).toEqual(['1 minute', '5 minutes', '1 hour', '90 minutes', '2 hours']);
});

it('a day is named once along an axis of days, where it begins', () => {
  const midnight = new Date(2026, 10, 21).getTime();
  const halves = [-1, 0, 1, 2].map((index) => midnight + index * 43_200_000);
  expect(halves.map((ms) => formatTick(ms, 7 * 86_400_000))).toEqual(['', 'Sat 21', '', 'Sun 22']);
  expect(formatTick(midnight, 86_400_000)).toBe('Sat 21');
  expect(formatTick(midnight, 3_600_000)).toBe('00:00');
  expect(formatDayMinute(midnight)).toBe('Sat 21, 00:00');
});

it('what was not of late is told with its day', () => {
  const at = new Date(2026, 10, 21, 0, 30);
  const iso = (hoursBefore: number) => new Date(at.getTime() - hoursBefore * 3_600_000).toISOString();
  expect([0, 1, 20, -30].map((hours) => formatWhen(iso(hours), at.getTime()))).toEqual([
    '00:30:00',
    '23:30:00',
    '20 Nov 2026, 04:30',
    '22 Nov 2026, 06:30',
  ]);
});

it('a number beside an axis is told from the next one, and is short', () => {
  for (const step of [2.5e-6, 0.001, 0.0025, 0.005, 0.25, 0.5, 2, 25, 250, 2_500, 25e4, 25e5, 25e8]) {
    const labels = [0, 1, 2, 3, 4, 5].map((times) => formatOnScale(times * step));
    expect(new Set(labels).size).toBe(labels.length);
    expect(Math.max(...labels.map(({ length }) => length))).toBeLessThanOrEqual(6);
  }
  expect([0, 950, 12_500, 0.0125, 2.5e-6].map(formatOnScale)).toEqual(['0', '950', '12.5K', '0.0125', '2.5E-6']);
});

describe('a name that somebody else chose', () => {
  it('does not turn its line around, nor break it', () => {
    expect(formatName('/\u202Egpj.exe')).toBe('/\uFFFDgpj.exe');
    expect(formatName('a\u2066b\nc\u0000')).toBe('a\uFFFDb\uFFFDc\uFFFD');
  });

  it('is what it is in any script, also where it is the name of something in JavaScript', () => {
    for (const name of ['/مرحبا', '/שלום', '/👩‍👩‍👧‍👦', 'e\u0301', 'null', '__proto__', 'constructor', '<b>'])
      expect(formatLabel(name)).toBe(name);
  });

  it('of which nothing is seen is said to be blank', () => {
    for (const name of ['', ' ', '\u200B\u00A0', '\u200D']) expect(formatLabel(name)).toBe('(blank)');
  });
});
