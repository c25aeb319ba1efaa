import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createIdHistory } from '../../../src/aggregators/state/id-history.js';

const MINUTE = 60_000;
const SEED = [1, 2] as const;
const options = { rotateAfterMs: 30 * MINUTE, maxIdsPerGeneration: 1_000 };

test('an id is remembered for as long as a generation lasts, at least', () => {
  const history = createIdHistory(options, SEED);
  const add = (id: string, minute: number) => history.add({ id }, minute * MINUTE, minute * MINUTE);
  expect(add('first', 0)).toBe(true);
  expect(add('late', 30)).toBe(true);
  expect(add('other', 31)).toBe(true);
  expect(add('first', 32)).toBe(false);
  expect(add('late', 60)).toBe(false);
  expect(add('first', 62)).toBe(true);
});

test('an id is remembered as long as the newest event is no older, however long nothing comes', () => {
  const history = createIdHistory(options, SEED);
  history.add({ id: 'first' }, 0, 0);
  for (let hour = 1; hour < 10; hour++) expect(history.add({ id: 'first' }, hour * 60 * MINUTE, hour)).toBe(false);
});

test('the same id of another source is another event, whatever the source is', () => {
  const history = createIdHistory(options, SEED);
  const sources: unknown[] = ['shop', 'shop 2', undefined];
  for (const source of sources) expect(history.add({ id: 'a', source }, 0, 0)).toBe(true);
  const after = createIdHistory(options, SEED, history.save());
  for (const source of sources) expect(after.add({ id: 'a', source }, 0, 0)).toBe(false);
});

test('as many ids as a generation may hold are remembered, and memory holds two generations at the most', () => {
  const history = createIdHistory(options, SEED);
  for (let at = 0; at < 10_000; at++) history.add({ id: `id-${at}` }, 0, 0);
  expect(history.size).toBeLessThanOrEqual(2_000);
  for (let at = 9_000; at < 10_000; at++) expect(history.add({ id: `id-${at}` }, 0, 0)).toBe(false);
});

test('how far back every id is remembered is known: as long as promised, or less when too many came, also after a restart', () => {
  const history = createIdHistory({ rotateAfterMs: 30 * MINUTE, maxIdsPerGeneration: 10 }, SEED);
  for (let minute = 0; minute <= 70; minute += 5)
    history.add({ id: `few-${minute}` }, minute * MINUTE, minute * MINUTE);
  expect(history.rememberedMs(70 * MINUTE)).toBe(70 * MINUTE - 35 * MINUTE);
  for (let at = 0; at < 25; at++) history.add({ id: `many-${at}` }, 71 * MINUTE + at, 71 * MINUTE);
  expect(history.rememberedMs(71 * MINUTE + 25)).toBeLessThan(25);
  expect(createIdHistory(options, SEED, history.save()).rememberedMs(100 * MINUTE)).toBe(
    history.rememberedMs(100 * MINUTE),
  );
  expect(createIdHistory(options, SEED).rememberedMs(0)).toBe(Number.POSITIVE_INFINITY);
});

test('it tells the same ids apart as a set does', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.constantFrom('a', 'b')), { maxLength: 300 }),
      (ids) => {
        const history = createIdHistory(options, SEED);
        const seen = new Set<string>();
        for (const id of ids) {
          expect(history.add({ id }, 0, 0)).toBe(!seen.has(id));
          seen.add(id);
        }
      },
    ),
  );
});

test('similar ids do not collide: a million of them are a million', () => {
  const history = createIdHistory({ rotateAfterMs: MINUTE, maxIdsPerGeneration: 2_000_000 }, SEED);
  let added = 0;
  for (let at = 0; at < 1_000_000; at++)
    if (history.add({ id: `01900000-0000-7000-8000-${at.toString(16)}` }, 0, 0)) added++;
  expect(added).toBe(1_000_000);
});

test('a saved history goes on where it was', () => {
  const before = createIdHistory(options, SEED);
  for (let at = 0; at < 1_500; at++) before.add({ id: `id-${at}` }, 1, 1);
  const after = createIdHistory(options, SEED, before.save());
  for (let at = 500; at < 1_500; at++)
    expect(after.add({ id: `id-${at}` }, 1, 1)).toBe(before.add({ id: `id-${at}` }, 1, 1));
  expect(after.size).toBe(before.size);
});
