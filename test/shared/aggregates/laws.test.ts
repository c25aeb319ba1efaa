import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AggregateName, aggregateNames, aggregateOf, takesText } from '../../../src/shared/aggregates/index.js';

interface Input {
  readonly value: number | string;
  readonly timeMs: number;
}

const inputFor = (name: AggregateName): fc.Arbitrary<Input> =>
  fc.record({
    value: takesText(name)
      ? fc.integer({ min: 0, max: 600 }).map((number) => `value ${number}`)
      : fc.oneof(
          fc.integer({ min: -1_000, max: 100_000 }),
          fc.integer({ min: 0, max: 10_000 }).map((n) => (name === 'count' ? n : n / 100)),
        ),
    timeMs: fc.nat(50),
  });
const inputsFor = (name: AggregateName, maxLength: number) => fc.array(inputFor(name), { maxLength, size: 'max' });

function stateOf(name: AggregateName, inputs: readonly Input[]): unknown {
  const aggregate = aggregateOf(name);
  return inputs.reduce<unknown>((state, { value, timeMs }) => aggregate.add(state, value, timeMs), aggregate.create());
}

/** What is in a state, whatever the order in which it came to be there. */
const contentOf = (name: AggregateName, state: unknown): unknown => {
  const encoded = aggregateOf(name).encode(state);
  return typeof encoded === 'string' ? encoded.split(/([,;=])/).sort() : encoded;
};

/** Beyond its capacity `top` promises bounds and not laws; they are tested on their own. */
const lawful = aggregateNames.filter((name) => name !== 'top');

test.each(lawful)('%s: merging in any order and grouping is the same as adding everything to one', (name) => {
  const { merge, create } = aggregateOf(name);
  const part = inputsFor(name, 150);
  fc.assert(
    fc.property(part, part, part, (a, b, c) => {
      const [x, y, z] = [stateOf(name, a), stateOf(name, b), stateOf(name, c)];
      const whole = contentOf(name, stateOf(name, [...a, ...b, ...c]));
      expect(contentOf(name, merge(merge(x, y), z))).toEqual(whole);
      expect(contentOf(name, merge(x, merge(y, z)))).toEqual(whole);
      expect(contentOf(name, merge(z, merge(y, x)))).toEqual(whole);
      expect(contentOf(name, merge(create(), x))).toEqual(contentOf(name, x));
      // The parts are as they were.
      expect(contentOf(name, x)).toEqual(contentOf(name, stateOf(name, a)));
    }),
    { numRuns: 60 },
  );
});

test.each(aggregateNames)('%s: a state that is written and read back is the same, and can be added to', (name) => {
  const aggregate = aggregateOf(name);
  fc.assert(
    fc.property(inputsFor(name, 400), inputsFor(name, 20), (inputs, more) => {
      const restored = aggregate.decode(JSON.parse(JSON.stringify(aggregate.encode(stateOf(name, inputs)))));
      const state = more.reduce<unknown>((before, { value, timeMs }) => aggregate.add(before, value, timeMs), restored);
      const whole = stateOf(name, [...inputs, ...more]);
      expect(contentOf(name, state)).toEqual(contentOf(name, whole));
      expect(aggregate.result(state)).toEqual(aggregate.result(whole));
    }),
    { numRuns: 60 },
  );
});

const groups = aggregateNames.filter((name) => aggregateOf(name).subtract !== undefined);

test.each(groups)('%s: what was merged into a state can be subtracted again', (name) => {
  const { merge, subtract } = aggregateOf(name);
  const part = inputsFor(name, 150);
  fc.assert(
    fc.property(part, part, (a, b) => {
      const whole = merge(stateOf(name, a), stateOf(name, b));
      expect(contentOf(name, subtract?.(whole, stateOf(name, b)))).toEqual(contentOf(name, stateOf(name, a)));
    }),
    { numRuns: 60 },
  );
});

test.each(aggregateNames)('%s: nothing at all has a result, and can be written', (name) => {
  const { create, encode, decode, result } = aggregateOf(name);
  expect(JSON.stringify(result(decode(encode(create()))))).toBe(JSON.stringify(result(create())));
});

test.each(['min', 'max', 'mean', 'sum', 'distinct', 'quantiles', 'first', 'top'] as const)(
  '%s: what is none of its states is refused',
  (name) => {
    for (const text of ['nonsense', '~short', '=!', '{}', '1;x:y', 'null']) {
      expect(() => aggregateOf(name).decode(text), text).toThrow();
    }
  },
);
