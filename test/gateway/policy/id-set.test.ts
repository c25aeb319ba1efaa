import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createIdSet } from '../../../src/gateway/policy/id-set.js';

test('it has what was added, however often, and nothing else', () => {
  const texts = fc.array(fc.string({ unit: 'binary' }), { maxLength: 500 });
  fc.assert(
    fc.property(texts, texts, fc.tuple(fc.integer(), fc.integer()), (added, others, key) => {
      const ids = createIdSet(key);
      for (const id of [...added, ...added]) ids.add(id);
      expect(ids.size).toBe(new Set(added).size);
      expect(added.every(ids.has)).toBe(true);
      expect(others.filter(ids.has)).toEqual(others.filter((other) => added.includes(other)));
    }),
    { numRuns: 20 },
  );
});

test('hundreds of thousands of ids are told apart', () => {
  const ids = createIdSet([3, 4]);
  for (let number = 0; number < 300_000; number++) ids.add(`user-${number}`);
  expect(ids.size).toBe(300_000);
  const known = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, number) => `user-${from + number}`).filter(ids.has).length;
  expect(known(0, 300_000)).toBe(300_000);
  expect(known(300_000, 400_000)).toBe(0);
});
