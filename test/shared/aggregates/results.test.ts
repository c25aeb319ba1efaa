import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AggregateName, type AggregateResult, aggregateOf } from '../../../src/shared/aggregates/index.js';

function resultOf(name: AggregateName, inputs: readonly (number | string)[]): AggregateResult {
  const aggregate = aggregateOf(name);
  return aggregate.result(
    inputs.reduce<unknown>((state, value, index) => aggregate.add(state, value, index), aggregate.create()),
  );
}

const numbers = fc.array(fc.integer({ min: -1_000_000, max: 1_000_000 }), { minLength: 1, maxLength: 60 });

test('count, sum, min, max and mean are those of the numbers', () => {
  fc.assert(
    fc.property(numbers, (values) => {
      const total = values.reduce((a, b) => a + b, 0);
      expect(resultOf('count', values)).toBe(total);
      expect(resultOf('sum', values)).toBe(total);
      expect(resultOf('min', values)).toBe(Math.min(...values));
      expect(resultOf('max', values)).toBe(Math.max(...values));
      expect(resultOf('mean', values)).toBeCloseTo(total / values.length, 6);
    }),
  );
});

test('sums of amounts of money have no rounding error', () => {
  expect(resultOf('sum', Array(1_000).fill(0.1))).toBe(100);
  expect(resultOf('sum', [19.99, 0.01, -5])).toBe(15);
});

test('what is no amount costs no sum and no mean: numbers come from clients', () => {
  const bogus = [1e308, 1e308, -1e308, Number.MAX_VALUE, 1.1e15];
  for (const name of ['sum', 'mean'] as const) {
    const { add, create, encode, decode, result } = aggregateOf(name);
    const state = [...bogus, 20, ...bogus].reduce<unknown>((sofar, value) => add(sofar, value, 0), create());
    expect(result(decode(encode(state))), name).toBe(20);
  }
  expect(resultOf('sum', [1e15])).toBe(1e15);
});

test('first and last go by time, and of one time by value, whatever came first', () => {
  const { add, create, result } = aggregateOf('first');
  const later = add(add(create(), 'b', 5), 'a', 9);
  expect(result(add(later, 'z', 4))).toBe('z');
  expect(result(add(later, 'a', 5))).toBe('a');
  expect(resultOf('last', ['x', 'y'])).toBe('y');
});

test('distinct texts are counted exactly up to 256', () => {
  const texts = Array.from({ length: 256 }, (_, index) => `visitor ${index}`);
  expect(resultOf('distinct', [...texts, ...texts])).toBe(256);
});

test('beyond that the count is off by less than four standard errors of 1.6 %, from hundreds to a million', () => {
  const { add, create, result } = aggregateOf('distinct');
  let state = create();
  let next = 300;
  for (let index = 1; index <= 1_000_000; index++) {
    state = add(state, `visitor-${index}`, 0);
    if (index !== next) continue;
    next = Math.ceil(next * 1.7);
    expect(Math.abs((result(state) as number) / index - 1), `${index}`).toBeLessThan(4 * 0.01625);
  }
});

test('quantiles are within 1 % of the exact ones', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 1e-3, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 300 }),
      (values) => {
        const sorted = [...values].sort((a, b) => a - b);
        const shown = resultOf('quantiles', values) as { count: number; p50: number; p95: number; p99: number };
        expect(shown.count).toBe(values.length);
        for (const [name, quantile] of [
          ['p50', 0.5],
          ['p95', 0.95],
          ['p99', 0.99],
        ] as const) {
          const exact = sorted[Math.floor(quantile * (sorted.length - 1))] as number;
          expect(Math.abs(shown[name] / exact - 1), name).toBeLessThan(0.010001);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('values of zero and less, and beyond the range, have a place among the quantiles', () => {
  expect(resultOf('quantiles', [0, -5, 0, 8])).toMatchObject({ count: 4, p50: 0 });
  expect((resultOf('quantiles', [1e30]) as { p50: number }).p50).toBeGreaterThan(0.98e12);
});

test('the top texts are exact while they fit, and within their bounds when they do not, however they were merged', () => {
  expect(resultOf('top', ['b', 'a', 'b'])).toEqual([
    { name: 'b', count: 2, error: 0 },
    { name: 'a', count: 1, error: 0 },
  ]);
  const { add, create, merge, encode } = aggregateOf('top');
  const text = fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom('hot', 'warm') },
    { weight: 2, arbitrary: fc.nat(2_000).map(String) },
  );
  const part = fc.array(text, { minLength: 300, maxLength: 700, size: 'max' });
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 4, size: 'max' }), (parts) => {
      const exact = new Map<string, number>();
      for (const one of parts.flat()) exact.set(one, (exact.get(one) ?? 0) + 1);
      const state = parts
        .map((texts) => texts.reduce<unknown>((before, one) => add(before, one, 0), create()))
        .reduce((a, b) => merge(a, b), create());
      const [error, names, counts] = JSON.parse(encode(state) as string) as [number, string[], number[]];
      expect(names.length).toBeLessThanOrEqual(200);
      expect(error).toBeLessThanOrEqual(parts.flat().length / 201);
      const estimates = new Map(names.map((name, index) => [name, counts[index] as number]));
      for (const [name, count] of exact) {
        const estimate = estimates.get(name) ?? 0;
        expect(estimate).toBeLessThanOrEqual(count);
        expect(estimate + error).toBeGreaterThanOrEqual(count);
      }
    }),
    { numRuns: 40 },
  );
});
