import { type Aggregate, numberOf } from './aggregate.js';

/** How many; an input is how many more, a whole number. */
export const count: Aggregate<number, number> = {
  create: () => 0,
  add: (state, by) => state + by,
  merge: (a, b) => a + b,
  subtract: (a, b) => a - b,
  encode: (state) => state,
  decode: numberOf,
  result: (state) => state,
};

/** Parts of one that sums are exact to. Sums of whole numbers of parts do not depend on their order, those of fractions do. */
const PARTS = 10_000;

/**
 * What is beyond is no amount and left out: clients may send any number that JSON can say, and two of 10^308 have no sum,
 * so that all figures would be unreadable for one.
 */
const LARGEST = 1e15;

/** Sum of numbers, exact to four decimals up to 9 · 10^11. */
export const sum: Aggregate<number, number> = {
  create: () => 0,
  add: (state, value) => (isAmount(value) ? state + Math.round(value * PARTS) : state),
  merge: (a, b) => a + b,
  subtract: (a, b) => a - b,
  encode: String,
  decode: numberOf,
  result: (state) => state / PARTS,
};

const isAmount = (value: number) => value >= -LARGEST && value <= LARGEST;

const extreme = (neutral: number, choose: (a: number, b: number) => number): Aggregate<number, number> => ({
  create: () => neutral,
  add: (state, value) => choose(state, value),
  merge: (a, b) => choose(a, b),
  encode: (state) => (Number.isFinite(state) ? String(state) : ''),
  decode: (encoded) => (encoded === '' ? neutral : numberOf(encoded)),
  result: (state) => (Number.isFinite(state) ? state : null),
});

export const min = extreme(Number.POSITIVE_INFINITY, Math.min);
export const max = extreme(Number.NEGATIVE_INFINITY, Math.max);

interface Mean {
  readonly sum: number;
  readonly count: number;
}

export const mean: Aggregate<number, Mean> = {
  create: () => ({ sum: 0, count: 0 }),
  add: (state, value) => (isAmount(value) ? { sum: sum.add(state.sum, value, 0), count: state.count + 1 } : state),
  merge: (a, b) => ({ sum: a.sum + b.sum, count: a.count + b.count }),
  subtract: (a, b) => ({ sum: a.sum - b.sum, count: a.count - b.count }),
  encode: (state) => `${state.sum}/${state.count}`,
  decode(encoded) {
    const [total, howMany] = String(encoded).split('/');
    return { sum: numberOf(total), count: numberOf(howMany) };
  },
  result: (state) => (state.count === 0 ? null : state.sum / PARTS / state.count),
};
