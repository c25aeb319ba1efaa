import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Entry, NO_PARTITION, readEntry, writeEntry } from '../../../src/gateway/recall/entry.js';
import { createKnownIds } from '../../../src/gateway/recall/known-ids.js';
import { createRecent } from '../../../src/gateway/recall/recent.js';

const START_MS = Date.UTC(2026, 10, 21, 12);
const entry = (high: number, low: number, atMs = START_MS, more: Partial<Entry> = {}): Entry => ({
  ...{ high, low, atMs, tookMs: 0, partition: NO_PARTITION, what: 0, sink: 0 },
  ...more,
});

const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const byte = fc.integer({ min: 0, max: 255 });

describe('an entry', () => {
  it('is read back as it was written', () => {
    const any = fc.record({
      high: int,
      low: int,
      atMs: fc.integer({ min: 0, max: 2 ** 32 * 1000 - 1 }),
      tookMs: fc.integer({ min: 0, max: 0xffff }),
      partition: fc.integer({ min: 0, max: 0xffff }),
      what: byte,
      sink: byte,
    });
    fc.assert(
      fc.property(any, (written) => {
        const words = new Int32Array(10);
        writeEntry(words, 5, written);
        expect(readEntry(words, 5)).toEqual(written);
      }),
    );
  });

  it('says a minute of what took longer, and nothing of what took less than nothing', () => {
    const words = new Int32Array(5);
    writeEntry(words, 0, entry(1, 1, START_MS, { tookMs: 1e9 }));
    expect(readEntry(words, 0).tookMs).toBe(0xffff);
    writeEntry(words, 0, entry(1, 1, START_MS, { tookMs: -5 }));
    expect(readEntry(words, 0).tookMs).toBe(0);
  });
});

describe('known ids', () => {
  it('are known to the last millisecond of their age, and not beyond', () => {
    const known = createKnownIds({ capacity: 100, ageMs: 1000 });
    expect(known.add(entry(1, 2, START_MS, { partition: 3 }), START_MS)).toBe(true);
    expect(known.add(entry(1, 2), START_MS + 999)).toBe(false);
    expect(known.find(1, 2, START_MS + 999)).toMatchObject({ atMs: START_MS, partition: 3 });
    expect(known.has(1, 2, START_MS + 1000)).toBe(false);
    expect(known.find(1, 2, START_MS + 1000)).toBeUndefined();
    expect(known.add(entry(1, 2, START_MS + 1000), START_MS + 1000)).toBe(true);
    expect(known.has(1, 2, START_MS + 1999)).toBe(true);
    expect(known.size).toBe(1);
  });

  it('are not known before their time: a clock that was set back makes no duplicates', () => {
    const known = createKnownIds({ capacity: 100, ageMs: 1000 });
    known.add(entry(1, 2), START_MS);
    expect(known.has(1, 2, START_MS - 1)).toBe(false);
  });

  it('none are known where none may be', () => {
    const known = createKnownIds({ capacity: 0, ageMs: 1000 });
    expect(known.add(entry(1, 2), START_MS)).toBe(true);
    expect(known.add(entry(1, 2), START_MS)).toBe(true);
    expect(known.has(1, 2, START_MS)).toBe(false);
  });

  it('behave as a map of all that was added, of which at least the newest half are there', () => {
    // Few values, so that they meet in the same slots and come again.
    const word = fc.integer({ min: -3, max: 3 });
    const step = fc.record({ high: word, low: word, waitMs: fc.integer({ min: 0, max: 60 }), adds: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 20 }), (steps, capacity) => {
        const ageMs = 1000;
        const known = createKnownIds({ capacity, ageMs });
        const half = Math.ceil(capacity / 2);
        /** Every id that was added, and when, in the order of the last time. */
        const model = new Map<string, number>();
        let nowMs = START_MS;
        for (const { high, low, waitMs, adds } of steps) {
          nowMs += waitMs;
          const name = `${high} ${low}`;
          const atMs = model.get(name);
          const isFresh = atMs !== undefined && nowMs - atMs < ageMs;
          const rank = [...model.keys()].reverse().indexOf(name);
          const says = known.has(high, low, nowMs);
          if (!isFresh) expect(says).toBe(false);
          else if (rank < half) expect(says).toBe(true);
          if (!adds) continue;
          expect(known.add(entry(high, low, nowMs), nowMs)).toBe(!says);
          if (says) continue;
          model.delete(name);
          model.set(name, nowMs);
          expect(known.find(high, low, nowMs)).toEqual(entry(high, low, nowMs));
        }
        expect(known.size).toBeLessThanOrEqual(2 * half);
      }),
    );
  });

  it('grow with what is added', () => {
    const known = createKnownIds({ capacity: 100_000, ageMs: 1e9 });
    const low = (number: number) => Math.imul(number, 0x9e3779b1);
    for (let number = 0; number < 40_000; number++) known.add(entry(number, low(number)), START_MS);
    expect(known.size).toBe(40_000);
    for (let number = 0; number < 40_000; number++) expect(known.has(number, low(number), START_MS)).toBe(true);
    expect(known.has(40_000, low(40_000), START_MS)).toBe(false);
  });
});

describe('recent events', () => {
  it('are the newest, found newest first, whatever came before', () => {
    const value = fc.integer({ min: 0, max: 4 });
    fc.assert(
      fc.property(fc.array(value, { maxLength: 60 }), fc.integer({ min: 0, max: 20 }), (values, capacity) => {
        const recent = createRecent(capacity);
        for (const [at, low] of values.entries()) recent.add(entry(7, low, START_MS + at));
        const kept = values.map((low, at) => entry(7, low, START_MS + at)).slice(Math.max(0, values.length - capacity));
        expect(recent.size).toBe(kept.length);
        expect(recent.sinceMs).toBe(kept[0]?.atMs);
        for (let low = 0; low < 5; low++) {
          const expected = kept.filter((one) => one.low === low).reverse();
          expect(recent.find(7, low, 100)).toEqual(expected);
          expect(recent.find(7, low, 2)).toEqual(expected.slice(0, 2));
        }
      }),
    );
  });

  it('grow up to their bound', () => {
    const recent = createRecent(5000);
    for (let number = 0; number < 12_345; number++) recent.add(entry(number, number));
    expect(recent.size).toBe(5000);
    expect(recent.find(12_344, 12_344, 1)).toHaveLength(1);
    expect(recent.find(7345, 7345, 1)).toHaveLength(1);
    expect(recent.find(7344, 7344, 1)).toHaveLength(0);
  });
});
