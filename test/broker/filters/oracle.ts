import type { Expression, Predicate } from '../../../src/broker/filters/ast.js';
import type { FilterValue } from '../../../src/broker/topology/types.js';

/*
 * What a filter means, written the slow and obvious way, for a map of application properties (lower-case names). Truth
 * values are numbers, so that AND is the least, OR the greatest and NOT the opposite: 1 true, 0 unknown, -1 false.
 */
type Truth = 1 | 0 | -1;
type Properties = ReadonlyMap<string, FilterValue>;

const truth = (value: boolean): Truth => (value ? 1 : -1);
const isNumber = (value: FilterValue): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint';

const comparable = (a: FilterValue, b: FilterValue) =>
  (isNumber(a) && isNumber(b)) || (a !== null && b !== null && typeof a === typeof b);

function compare(operator: string, a: FilterValue, b: FilterValue): Truth {
  if (!comparable(a, b)) return 0;
  const equality = operator === '=' || operator === '<>';
  if (typeof a === 'boolean' && !equality) return 0;
  // biome-ignore lint/suspicious/noDoubleEquals: the loose comparison is the one that knows integers and doubles
  const equal = a == b;
  const [x, y] = [a as number, b as number];
  const results: Record<string, boolean> = {
    '=': equal,
    '<>': !equal,
    '<': x < y,
    '<=': x <= y,
    '>': x > y,
    '>=': x >= y,
  };
  return truth(results[operator] as boolean);
}

export class DivisionByZero extends Error {}

const wrap = (value: bigint) => ((value + 2n ** 63n) & (2n ** 64n - 1n)) - 2n ** 63n;

function calculate(operator: string, a: FilterValue, b: FilterValue): FilterValue {
  if (typeof a === 'string' && typeof b === 'string') return operator === '+' ? a.concat(b) : null;
  if (!isNumber(a) || !isNumber(b)) return null;
  if (typeof a === 'bigint' && typeof b === 'bigint') {
    if (operator === '+') return wrap(a + b);
    if (operator === '-') return wrap(a - b);
    if (operator === '*') return wrap(a * b);
    if (b === 0n) throw new DivisionByZero();
    return wrap(operator === '/' ? a / b : a % b);
  }
  const [x, y] = [Number(a), Number(b)];
  return { '+': x + y, '-': x - y, '*': x * y, '/': x / y, '%': x % y }[operator] ?? null;
}

function evaluate(expression: Expression, properties: Properties): FilterValue {
  switch (expression.kind) {
    case 'constant':
      return expression.value;
    case 'property':
      return properties.get(expression.name.toLowerCase()) ?? null;
    case 'sign': {
      const value = evaluate(expression.operand, properties);
      if (typeof value === 'bigint') return expression.operator === '-' ? wrap(-value) : value;
      return typeof value === 'number' ? (expression.operator === '-' ? -value : value) : null;
    }
    case 'arithmetic':
      return calculate(
        expression.operator,
        evaluate(expression.left, properties),
        evaluate(expression.right, properties),
      );
    default:
      throw new Error(`the oracle does not know ${expression.kind}`);
  }
}

/** By dynamic programming over all prefixes: fits[j] says whether the text so far fits the first j of the pattern. */
export function like(text: string, pattern: string): boolean {
  let fits = [true];
  for (let j = 0; j < pattern.length; j++) fits.push(pattern[j] === '%' && (fits[j] as boolean));
  for (const unit of text.split('')) {
    const next = [false];
    for (let j = 0; j < pattern.length; j++) {
      if (pattern[j] === '%') next.push((next[j] as boolean) || (fits[j + 1] as boolean));
      else next.push((fits[j] as boolean) && (pattern[j] === '_' || pattern[j] === unit));
    }
    fits = next;
  }
  return fits.at(-1) as boolean;
}

export function truthOf(predicate: Predicate, properties: Properties): Truth {
  const both = (a: Predicate, b: Predicate) => [truthOf(a, properties), truthOf(b, properties)];
  switch (predicate.kind) {
    case 'and':
      return Math.min(...both(predicate.left, predicate.right)) as Truth;
    case 'or':
      return Math.max(...both(predicate.left, predicate.right)) as Truth;
    case 'not':
      return (0 - truthOf(predicate.operand, properties)) as Truth;
    case 'compare':
      return compare(predicate.operator, evaluate(predicate.left, properties), evaluate(predicate.right, properties));
    case 'in': {
      const left = evaluate(predicate.left, properties);
      const members = predicate.members.map((member) => compare('=', left, evaluate(member, properties)));
      return left === null ? 0 : (Math.max(...members) as Truth);
    }
    case 'like': {
      const [text, pattern] = [evaluate(predicate.left, properties), evaluate(predicate.pattern, properties)];
      return typeof text === 'string' && typeof pattern === 'string' ? truth(like(text, pattern)) : 0;
    }
    case 'is-null':
      return truth((properties.get(predicate.property.name.toLowerCase()) ?? null) === null);
    case 'exists':
      return truth(properties.has(predicate.property.name.toLowerCase()));
  }
}
