import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseIsoTime } from '../../src/aggregators/iso-time.js';
import { createTimeParser } from '../../src/events/time.js';

test('every time that the gateway writes is read as Date.parse reads it', () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }),
      (date) => {
        expect(parseIsoTime(date.toISOString())).toBe(date.getTime());
      },
    ),
    { numRuns: 2_000 },
  );
});

test('a time is one here exactly where it is one for the gateway, on days that do not exist too', () => {
  const two = (max: number) => fc.integer({ min: 0, max }).map((number) => String(number).padStart(2, '0'));
  const year = fc.constantFrom('1970', '1999', '2000', '2024', '2026', '2100');
  const rest = fc.constantFrom('T12:00:00.000Z', 'T12:00:00Z', 'T23:30:00.5-09:30', 't00:00:00z', 'T24:00:00.000Z');
  fc.assert(
    fc.property(year, two(13), two(32), rest, (years, month, day, time) => {
      const text = `${years}-${month}-${day}${time}`;
      expect(parseIsoTime(text), text).toBe(createTimeParser()(text) ?? Number.NaN);
    }),
    {
      numRuns: 5_000,
      examples: [
        ['2026', '02', '29', 'T12:00:00.000Z'],
        ['2026', '02', '30', 'T12:00:00Z'],
        ['2024', '02', '29', 'T12:00:00.000Z'],
      ],
    },
  );
});

test('times in other forms, with offsets or impossible fields, are judged as Date.parse judges them', () => {
  for (const text of [
    '2026-01-01T00:00:00Z',
    '2026-01-01T01:00:00.000+01:00',
    '2026-01-01',
    '2026-13-01T00:00:00.000Z',
    '2026-01-01T24:00:00.000Z',
    '2026-01-01T00:60:00.000Z',
    '1969-12-31T23:59:59.999Z',
    '2026-01-01T00:00:00.123456789-09:30',
    '2026-01-01T00:00:00.0x0Z',
    'not a time, but long enoZ',
    '',
  ]) {
    expect(parseIsoTime(text), text).toEqual(Date.parse(text));
  }
});

test.each(['2026-01-01T12:00:00', '2026-01-01 12:00', '2026-01-01t12:00:00.000z'])(
  '%s is the same time on every machine',
  (text) => {
    expect(parseIsoTime(text)).toBe(Date.parse('2026-01-01T12:00:00Z'));
  },
);

test.each(['Thu, 01 Jan 2026 12:00:00', 'January 1, 2026', '1767268800000', '2026-01-01T12:00:00 (noon)'])(
  '%s is no time',
  (text) => {
    expect(parseIsoTime(text)).toBeNaN();
  },
);
