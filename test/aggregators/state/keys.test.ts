import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createKeys } from '../../../src/aggregators/state/keys.js';
import { keyOf } from '../driver.js';

const stepArbitrary = fc.oneof(
  { weight: 20, arbitrary: fc.record({ kind: fc.constant('know' as const), name: fc.nat(400) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('keep' as const), every: fc.integer({ min: 2, max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restore' as const) }) },
);

test('each key has a place of its own for as long as it is kept, as a map would say, saved and restored at any moment', () => {
  fc.assert(
    fc.property(fc.array(stepArbitrary, { maxLength: 600 }), (steps) => {
      let capacity = 0;
      const grow = (to: number) => {
        capacity = to;
      };
      let keys = createKeys(grow);
      let places = new Map<string, number>();
      for (const step of steps) {
        if (step.kind === 'know') {
          const name = `v${step.name}`;
          expect(keys.find(keyOf(name))).toBe(places.get(name) ?? -1);
          if (places.has(name)) continue;
          const place = keys.add(keyOf(name));
          expect([...places.values()]).not.toContain(place);
          expect(place).toBeLessThan(capacity);
          places.set(name, place);
        } else if (step.kind === 'keep') {
          keys.keep((place) => place % step.every === 0);
          places = new Map([...places].filter(([, place]) => place % step.every === 0));
        } else {
          const inOrder = [...places].sort(([, a], [, b]) => a - b);
          places = new Map(inOrder.map(([name], index) => [name, index]));
          keys = createKeys(grow, keys.save());
        }
        const column = Int32Array.from({ length: 2 * capacity }, (_, at) => at);
        const taken = [...places.values()].sort((a, b) => a - b);
        expect([...keys.dense(column, 2)]).toEqual(taken.flatMap((place) => [2 * place, 2 * place + 1]));
        expect(keys.size).toBe(places.size);
      }
      for (const [name, place] of places) expect(keys.find(keyOf(name))).toBe(place);
    }),
    { numRuns: 100 },
  );
});

test('a hash of which half is 0, or that has the halves of another, is a key like any other', () => {
  const keys = createKeys(() => {});
  const odd = [
    { high: 7, low: 0 },
    { high: 0, low: 5 },
    { high: 0xffffffff, low: 0xffffffff },
    { high: 0x80000005, low: 9 },
    { high: 9, low: 0x80000005 },
  ];
  const places = odd.map((key) => keys.add(key));
  const restored = createKeys(() => {}, keys.save());
  for (const [index, key] of odd.entries()) {
    expect(keys.find(key)).toBe(places[index]);
    expect(restored.find(key)).toBe(index);
  }
});
