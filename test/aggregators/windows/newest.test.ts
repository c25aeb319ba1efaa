import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createNewest } from '../../../src/aggregators/windows/newest.js';

const entryOf = (source: string) => `entry of ${source}`;

test('the newest entries by time are listed, one for each key, whatever order they come in', () => {
  const offers = fc.array(fc.record({ key: fc.constantFrom(...'abcdefgh'), timeMs: fc.nat(30) }), { maxLength: 200 });
  fc.assert(
    fc.property(offers, fc.integer({ min: 1, max: 5 }), fc.nat(200), (list, size, listAt) => {
      const newest = createNewest({ size, uniqueKeys: false, entryOf });
      const byKey = new Map<string, number>();
      list.forEach(({ key, timeMs }, index) => {
        newest.offer(key, timeMs, key);
        byKey.set(key, Math.max(byKey.get(key) ?? -1, timeMs));
        if (index === listAt) newest.list();
      });
      const expected = [...byKey.values()].sort((a, b) => b - a).slice(0, size);
      expect(newest.list().map(({ timeMs }) => timeMs)).toEqual(expected);
      for (const { key, timeMs } of newest.list()) expect(timeMs).toBe(byKey.get(key));
    }),
  );
});

test('of entries with the same time the one that came later is the newer', () => {
  const newest = createNewest({ size: 2, uniqueKeys: false, entryOf });
  for (const key of ['a', 'b', 'c']) newest.offer(key, 5, key);
  expect(newest.list().map(({ key }) => key)).toEqual(['c', 'b']);
});

test('the list is handed out only after it changed', () => {
  const newest = createNewest({ size: 1, uniqueKeys: false, entryOf });
  expect(newest.takeDirty()).toBeUndefined();
  newest.offer('a', 5, 'a');
  expect(newest.takeDirty()).toHaveLength(1);
  newest.offer('b', 4, 'b');
  newest.list();
  newest.takeDirty();
  newest.offer('c', 3, 'c');
  expect(newest.takeDirty()).toBeUndefined();
});
