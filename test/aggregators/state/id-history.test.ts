import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createIdHistory } from '../../../src/aggregators/state/id-history.js';

const MINUTE = 60_000;
const SEED = [1, 2] as const;
const options = { rotateAfterMs: 30 * MINUTE, maxIdsPerGeneration: 1_000 };

test('an id is remembered for as long as a generation lasts, at least', () => {
  const history = createIdHistory(options, SEED);
  expect(history.add('first', 0)).toBe(true);
  expect(history.add('late', 29 * MINUTE)).toBe(true);
  expect(history.add('other', 30 * MINUTE)).toBe(true);
  expect(history.add('first', 31 * MINUTE)).toBe(false);
  expect(history.add('late', 59 * MINUTE)).toBe(false);
  expect(history.add('first', 61 * MINUTE)).toBe(true);
});

test('as many ids as a generation may hold are remembered, and memory holds two generations at the most', () => {
  const history = createIdHistory(options, SEED);
  for (let at = 0; at < 10_000; at++) history.add(`id-${at}`, 0);
  expect(history.size).toBeLessThanOrEqual(2_000);
  for (let at = 9_000; at < 10_000; at++) expect(history.add(`id-${at}`, 0)).toBe(false);
});

test('it tells the same ids apart as a set does', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.constantFrom('a', 'b')), { maxLength: 300 }),
      (ids) => {
        const history = createIdHistory(options, SEED);
        const seen = new Set<string>();
        for (const id of ids) {
          expect(history.add(id, 0)).toBe(!seen.has(id));
          seen.add(id);
        }
      },
    ),
  );
});

test('similar ids do not collide: a million of them are a million', () => {
  const history = createIdHistory({ rotateAfterMs: MINUTE, maxIdsPerGeneration: 2_000_000 }, SEED);
  let added = 0;
  for (let at = 0; at < 1_000_000; at++) if (history.add(`01900000-0000-7000-8000-${at.toString(16)}`, 0)) added++;
  expect(added).toBe(1_000_000);
});

test('a saved history goes on where it was', () => {
  const before = createIdHistory(options, SEED);
  for (let at = 0; at < 1_500; at++) before.add(`id-${at}`, 1);
  const after = createIdHistory(options, SEED, before.save());
  for (let at = 500; at < 1_500; at++) expect(after.add(`id-${at}`, 1)).toBe(before.add(`id-${at}`, 1));
  expect(after.size).toBe(before.size);
});
