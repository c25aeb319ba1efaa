import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Expression, Predicate, PropertyName } from '../../../src/broker/filters/ast.js';
import { compileAction, compileFilter, FilterError } from '../../../src/broker/filters/index.js';
import { compileLike } from '../../../src/broker/filters/like.js';
import { parseFilter } from '../../../src/broker/filters/parser.js';
import type { FilterValue } from '../../../src/broker/topology/types.js';
import { message } from './message.js';
import { DivisionByZero, like, truthOf } from './oracle.js';
import { print } from './print.js';

const names = ['a', 'b', 'Mixed', 'odd ]name', 'missing'];
const text = fc.string({ unit: fc.constantFrom('a', 'b', '%', '_', "'", 'é'), maxLength: 4 });
// Signs are nodes of their own; a constant with a sign would be read as one.
const positive = fc.oneof(
  text,
  fc.bigInt({ min: 0n, max: 4n }),
  fc.constantFrom(2n ** 63n - 1n, 2n ** 53n + 1n),
  fc.constantFrom(0, 0.5, 1, 2, 1e300, 2 ** 53),
  fc.boolean(),
  fc.constant(null),
);
const anyValue: fc.Arbitrary<FilterValue> = fc.oneof(
  positive,
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.double(),
);

const property: fc.Arbitrary<PropertyName> = fc
  .constantFrom(...names)
  .map((name) => ({ scope: 'user' as const, name, position: 0 }));

const { predicate } = fc.letrec<{ expression: Expression; predicate: Predicate }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 3 },
    // The first one is what the deepest level is made of: it must be good for every place.
    property.map((name): Expression => ({ kind: 'property', ...name })),
    positive.map((value): Expression => ({ kind: 'constant', value })),
    fc.record({
      kind: fc.constant('sign' as const),
      operator: fc.constantFrom('+' as const, '-' as const),
      operand: tie('expression').filter((operand) => operand.kind !== 'constant'),
    }),
    fc.record({
      kind: fc.constant('arithmetic' as const),
      operator: fc.constantFrom('+' as const, '-' as const, '*' as const, '/' as const, '%' as const),
      left: tie('expression'),
      right: tie('expression'),
    }),
  ),
  predicate: fc.oneof(
    { maxDepth: 4 },
    fc.record({
      kind: fc.constant('compare' as const),
      operator: fc.constantFrom('=' as const, '<>' as const, '<' as const, '<=' as const, '>' as const, '>=' as const),
      left: tie('expression'),
      right: tie('expression'),
    }),
    fc.record({
      kind: fc.constant('in' as const),
      left: tie('expression'),
      members: fc.array(tie('expression'), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant('like' as const), left: tie('expression'), pattern: tie('expression') }),
    fc.record({ kind: fc.constantFrom('is-null' as const, 'exists' as const), property }),
    fc.record({ kind: fc.constant('not' as const), operand: tie('predicate') }),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      left: tie('predicate'),
      right: tie('predicate'),
    }),
  ),
}));

const properties = fc.dictionary(fc.constantFrom(...names.slice(0, -1)), anyValue, { noNullPrototype: true });

const withoutPositions = (tree: unknown): unknown =>
  JSON.parse(
    JSON.stringify(tree, (key, value) =>
      key === 'position' || value === undefined ? undefined : typeof value === 'bigint' ? `${value}n` : value,
    ),
  );

/** The parser's text limit is not what these laws are about. */
const printed = predicate.map((tree) => ({ tree, text: print(tree) })).filter(({ text }) => text.length <= 1024);

describe('filters', () => {
  it('parse what a tree is written as back to that tree, with no more parentheses than needed', () => {
    fc.assert(
      fc.property(printed, ({ tree, text }) => {
        expect(withoutPositions(parseFilter(text))).toEqual(withoutPositions(tree));
      }),
      { numRuns: 300 },
    );
  });

  it('match exactly where the oracle finds them true', () => {
    fc.assert(
      fc.property(printed, properties, ({ tree, text }, values) => {
        const folded = new Map(Object.entries(values).map(([name, value]) => [name.toLowerCase(), value]));
        const matches = compileFilter({ kind: 'sql', expression: text });
        let expected: boolean;
        try {
          expected = truthOf(tree, folded) === 1;
        } catch (error) {
          // The oracle evaluates everything, the filter stops at what decides: it may or may not meet the zero.
          if (!(error instanceof DivisionByZero)) throw error;
          return;
        }
        expect(matches(message(values))).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it('fail with nothing but their own error, at a place inside the text, whatever the text', () => {
    const pieces = fc.constantFrom(
      ...['(', ')', ',', '.', ';', '=', '<>', '<', '>=', '+', '-', '*', '/', '%', "'", '[', ']', '"', '@p', '@', ' '],
      ...['AND', 'OR', 'NOT', 'IN', 'LIKE', 'ESCAPE', 'IS', 'NULL', 'EXISTS', 'TRUE', 'SET', 'REMOVE', 'sys', 'user'],
      ...['a', 'b1', '_', '1', '2.5', '1E5', "'x'", '[y]', 'newid()', 'property(', 'p(', '\u0000', '\ud800', '😀'],
    );
    const anyText = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 1100 }),
      fc.array(pieces, { maxLength: 60 }).map((parts) => parts.join(' ')),
      fc.array(pieces, { maxLength: 400 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(anyText, (expression) => {
        for (const compile of [() => compileFilter({ kind: 'sql', expression }), () => compileAction(expression)]) {
          try {
            compile();
          } catch (error) {
            if (!(error instanceof FilterError)) throw error;
            expect(error.position ?? 0).toBeGreaterThanOrEqual(0);
            expect(error.position ?? 0).toBeLessThanOrEqual(expression.length);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('LIKE fits exactly what trying everything fits', () => {
    const unit = fc.constantFrom('a', 'b', '%', '_');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 12 }), fc.string({ unit, maxLength: 8 }), (subject, pattern) => {
        expect(compileLike(pattern)(subject)).toBe(like(subject, pattern));
      }),
      { numRuns: 1000 },
    );
  });

  it('LIKE with everything escaped is equality', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), fc.string({ maxLength: 20 }), (subject, other) => {
        const escaped = (value: string) =>
          value
            .split('')
            .map((unit) => `!${unit}`)
            .join('');
        expect(compileLike(escaped(subject), '!')(subject)).toBe(true);
        expect(compileLike(escaped(other), '!')(subject)).toBe(subject === other);
      }),
    );
  });
});
