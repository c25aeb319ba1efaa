import { describe, expect, it } from 'vitest';
import { compileAction, compileFilter, FilterError } from '../../../src/broker/filters/index.js';
import { createRandom, fuzzSeed } from '../../helpers/seed.js';
import { message } from './message.js';

const RUNS = 4000;
const LIMIT_MS = 4000;
/** Far beyond what a text of 1,024 characters takes, also on a machine that does much else. */
const LONGEST_MS = 2000;

const WORDS = [
  ...['AND', 'OR', 'NOT', 'LIKE', 'ESCAPE', 'IN', 'IS', 'NULL', 'EXISTS', 'SET', 'REMOVE', 'TRUE', 'FALSE', 'sys.'],
  ...['user.', '(', ')', ',', ';', '=', '<>', '!=', '<', '<=', '>', '>=', '+', '-', '*', '/', '%', '.', '@p', '@'],
  ...["'a'", "'%_%'", "''", "'", '[a b]', '[', ']]', '"q"', '"', '0', '1', '9223372036854775808', '1e309', '1.5', '.5'],
  ...[
    '0x',
    'a',
    'color',
    'sys.Label',
    'sys.nothing',
    'é',
    '\u0000',
    '\ud800',
    '\n',
    '--',
    '/*',
    'newid()',
    'property(',
  ],
];
const GOOD = [
  "color = 'blue' AND quantity > 10 OR NOT (sys.Label LIKE 'a%' ESCAPE '\\')",
  'user.[odd name] IN (1, 2, 3) AND EXISTS(b) AND sys.CorrelationId IS NOT NULL',
  "SET color = 'red'; REMOVE quantity; SET sys.Label = sys.Label + 'x'",
  'a * -(b + 1.5e3) / 2 % 3 <= @limit',
];

describe('filters and actions under random texts', () => {
  const random = createRandom(fuzzSeed('filters'));
  const subject = message({ color: 'blue', quantity: 12n, a: 1.5, b: null });

  const noise = () =>
    Array.from({ length: random.below(60) }, () => String.fromCharCode(random.below(random.pick([128, 65_536])))).join(
      '',
    );
  const grammar = () => Array.from({ length: random.below(80) }, () => random.pick(WORDS)).join(random.pick(['', ' ']));
  const nested = () => {
    const depth = random.below(600);
    return `${random.pick(['(', 'NOT ', '-', 'NOT (', 'a + (']).repeat(depth)}a = 1${')'.repeat(random.below(depth + 1))}`;
  };
  function mutated(): string {
    const text = random.pick(GOOD);
    const at = random.below(text.length);
    const cut = random.below(8);
    return text.slice(0, at) + random.pick(['', random.pick(WORDS), noise(), text]) + text.slice(at + cut);
  }

  /** Only a FilterError may come of it, in bounded time. */
  function survives(text: string, use: () => void): void {
    const startMs = performance.now();
    try {
      use();
    } catch (error) {
      if (!(error instanceof FilterError)) throw new Error(`${JSON.stringify(text)} threw ${error}`, { cause: error });
    }
    const tookMs = performance.now() - startMs;
    if (tookMs > LONGEST_MS) throw new Error(`${JSON.stringify(text)} took ${tookMs} ms`);
  }

  it('throw nothing but FilterError, in bounded time', () => {
    const endMs = performance.now() + LIMIT_MS;
    let runs = 0;
    for (; runs < RUNS && performance.now() < endMs; runs++) {
      const text = random.pick([noise, grammar, nested, mutated])();
      survives(text, () => compileFilter({ kind: 'sql', expression: text })(subject));
      survives(text, () => void compileAction(text)(subject));
    }
    expect(runs).toBeGreaterThan(0);
  });
});
