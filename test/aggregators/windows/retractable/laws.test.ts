import fc from 'fast-check';
import { expect, test } from 'vitest';
import { retractableOf } from '../../../../src/aggregators/windows/retractable/index.js';
import {
  type AggregateName,
  type AggregateResult,
  aggregateNames,
  aggregateOf,
  takesText,
} from '../../../../src/shared/aggregates/index.js';

interface Input {
  readonly value: number | string;
  readonly timeMs: number;
}

const inputFor = (name: AggregateName): fc.Arbitrary<Input> =>
  fc.record({
    value: takesText(name)
      ? fc.integer({ min: 0, max: 400 }).map((number) => `value ${number}`)
      : fc.integer({ min: -1_000, max: 10_000 }).map((n) => (name === 'count' ? Math.abs(n) + 1 : n / 100)),
    timeMs: fc.nat(50),
  });

/** `retract` takes back the input at this place, of those that are there. */
const deedsFor = (name: AggregateName) =>
  fc.array(
    fc.oneof(
      { weight: 5, arbitrary: fc.record({ add: inputFor(name) }) },
      { weight: 3, arbitrary: fc.record({ retract: fc.nat() }) },
      { weight: 1, arbitrary: fc.constant('save' as const) },
    ),
    { maxLength: 120, size: 'max' },
  );

/** What is shown of a state, as readers read it. */
function shown(name: AggregateName, encoded: number | string): AggregateResult {
  const { decode, result, create } = aggregateOf(name);
  return result(encoded === 0 ? create() : decode(encoded));
}

const plain = (name: AggregateName, inputs: readonly Input[]) => {
  const { add, create, encode } = aggregateOf(name);
  return encode(inputs.reduce<unknown>((state, { value, timeMs }) => add(state, value, timeMs), create()));
};

test.each(aggregateNames)('%s: what was added and taken back again, in any order, was never there', (name) => {
  const aggregate = retractableOf(name);
  fc.assert(
    fc.property(deedsFor(name), (deeds) => {
      const inputs: Input[] = [];
      let state = aggregate.create();
      for (const deed of deeds) {
        if (deed === 'save') state = aggregate.load(JSON.parse(JSON.stringify(aggregate.save(state))));
        else if ('add' in deed) {
          inputs.push(deed.add);
          state = aggregate.add(state, deed.add.value, deed.add.timeMs);
        } else if (inputs.length > 0) {
          const [input] = inputs.splice(deed.retract % inputs.length, 1) as [Input];
          state = aggregate.retract(state, input.value, input.timeMs);
        }
        expect(aggregate.isEmpty(state)).toBe(inputs.length === 0);
        expect(shown(name, aggregate.encode(state))).toEqual(shown(name, plain(name, inputs)));
      }
    }),
    { numRuns: 40 },
  );
});

test.each(aggregateNames)('%s: of a state without inputs nothing is written', (name) => {
  const { create, encode, save, load, add, retract, isEmpty } = retractableOf(name);
  const value = takesText(name) ? 'a' : 3;
  for (const empty of [create(), load(save(create())), retract(add(create(), value, 1), value, 1)])
    expect([encode(empty), save(empty), isEmpty(empty)]).toEqual([0, 0, true]);
});

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

test.each(['min', 'max', 'first', 'last'] as const)(
  '%s: of more values than are kept the nearest is exact until as many are taken back, and then a bound',
  (name) => {
    const aggregate = retractableOf(name);
    /** Nearest first. */
    const at = (rank: number) => (name === 'min' || name === 'first' ? rank : 0 - rank);
    const inputs = numbers(0, 5_000).map((rank) => ({ rank, value: at(rank), timeMs: at(rank) }));
    let state = aggregate.create();
    // The furthest first, so that all that is left out was there before.
    for (const { value, timeMs } of inputs.toReversed()) state = aggregate.add(state, value, timeMs);
    for (const { rank, value, timeMs } of inputs) {
      if (rank <= 1_000) expect(shown(name, aggregate.encode(state))).toBe(at(rank));
      state = aggregate.retract(state, value, timeMs);
      // No further than the nearest there is.
      if (rank < 4_999) expect(Math.abs(Number(shown(name, aggregate.encode(state))))).toBeLessThanOrEqual(rank + 1);
    }
    expect(aggregate.isEmpty(state)).toBe(true);
    expect(shown(name, aggregate.encode(aggregate.add(state, at(7), at(7))))).toBe(at(7));
  },
);

test('a value like the nearest that was left out does not come back as if it were the only one', () => {
  const aggregate = retractableOf('min');
  let state = aggregate.create();
  for (const value of [...numbers(0, 2_001)]) state = aggregate.add(state, value, 0);
  // 1,000 to 2,000 are left out, and of these two are there now.
  state = aggregate.retract(aggregate.add(state, 1_000, 0), 1_000, 0);
  for (const value of numbers(0, 1_000)) state = aggregate.retract(state, value, 0);
  expect(shown('min', aggregate.encode(state))).toBe(1_000);
});

test('top: of more texts than are listed no count is too low by more than is told', () => {
  const aggregate = retractableOf('top');
  let state = aggregate.create();
  const add = (text: string) => {
    state = aggregate.add(state, text, 0);
  };
  for (const index of numbers(0, 1_500)) add(`text ${index}`);
  for (let times = 0; times < 1_000; times++) add('text 3');
  for (let times = 0; times < 700; times++) add('text 1400');
  for (const index of numbers(10, 900)) state = aggregate.retract(state, `text ${index}`, 0);
  for (let times = 0; times < 50; times++) add('text 1400');
  const [first, second] = shown('top', aggregate.encode(state)) as { name: string; count: number; error: number }[];
  expect(first?.name).toBe('text 3');
  expect(second?.name).toBe('text 1400');
  for (const [entry, truth] of [[first, 1_001] as const, [second, 751] as const]) {
    expect(entry?.count).toBeLessThanOrEqual(truth);
    expect((entry?.count ?? 0) + (entry?.error ?? 0)).toBeGreaterThanOrEqual(truth);
  }
});

test('distinct: of more than 1,000 texts none is taken back, and the estimate is as good as without', () => {
  const aggregate = retractableOf('distinct');
  let state = aggregate.create();
  for (const index of numbers(0, 3_000)) state = aggregate.add(state, `text ${index}`, 0);
  const before = shown('distinct', aggregate.encode(state));
  expect(Math.abs(Number(before) / 3_000 - 1)).toBeLessThan(0.05);
  state = aggregate.load(aggregate.save(aggregate.retract(state, 'text 1', 0)));
  expect(shown('distinct', aggregate.encode(state))).toBe(before);
});

test.each(aggregateNames.filter((name) => name !== 'count'))('%s: what is no saved state is refused', (name) => {
  for (const text of ['nonsense', '{}', '[1,{}]', '["a",[]]', 'null']) {
    const load = () => retractableOf(name).encode(retractableOf(name).load(text));
    expect(load, text).toThrow();
  }
});
