import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTimeFormatter, createTimeParser } from '../../src/events/time.js';

const instants = fc.integer({ min: 0, max: 253_402_300_799_999 });

describe('reading and writing times', () => {
  it('a time that was written is read back, whatever was read before', () => {
    fc.assert(
      fc.property(fc.array(instants, { minLength: 1 }), (times) => {
        const parse = createTimeParser();
        const format = createTimeFormatter();
        for (const timeMs of times) {
          expect(format(timeMs)).toBe(new Date(timeMs).toISOString());
          expect(parse(format(timeMs))).toBe(timeMs);
        }
      }),
    );
  });

  it('text near to a time that was read is judged as if it were the first', () => {
    const parse = createTimeParser();
    expect(parse('2026-11-21T12:00:59.999Z')).toBe(Date.UTC(2026, 10, 21, 12, 0, 59, 999));
    for (const text of ['2026-11-21T12:00:60.000Z', '2026-11-21T12:00:5x.000Z', '2026-11-21T12:00:5:.000Z']) {
      expect(parse(text)).toBeUndefined();
      expect(createTimeParser()(text)).toBeUndefined();
    }
    expect(parse('2026-11-21T12:00:00.001Z')).toBe(Date.UTC(2026, 10, 21, 12, 0, 0, 1));
  });

  it.each([
    ['2026-11-21T12:00:00Z', Date.UTC(2026, 10, 21, 12)],
    ['2026-11-21T12:00:00.5+02:00', Date.UTC(2026, 10, 21, 10, 0, 0, 500)],
    ['2026-11-21t12:00:00.5z', Date.UTC(2026, 10, 21, 12, 0, 0, 500)],
    ['2028-02-29T23:59:59-01:00', Date.UTC(2028, 2, 1, 0, 59, 59)],
    [1_700_000_000_000, 1_700_000_000_000],
    [1_700_000_000_000.7, 1_700_000_000_000],
  ])('%j is a time', (value, timeMs) => {
    expect(createTimeParser()(value)).toBe(timeMs);
  });

  it.each([
    '',
    'yesterday',
    '2026-11-21',
    '2026-13-01T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '2026-02-30T00:00:00.000Z',
    '2026-04-31T12:00:00+02:00',
    '21 Nov 2026 12:00',
    1e300,
    Number.NaN,
    true,
    {},
    null,
  ])('%j is none', (value) => {
    expect(createTimeParser()(value)).toBeUndefined();
  });
});
