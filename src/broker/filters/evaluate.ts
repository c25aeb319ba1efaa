import { randomUUID } from 'node:crypto';
import type { FilterValue } from '../topology/types.js';
import type { Expression, Predicate, PropertyName } from './ast.js';
import { FilterError } from './errors.js';
import { compileLike } from './like.js';
import { type FilterableMessage, systemPropertyOf } from './message.js';
import { affirm, arithmetic, compare, negate, not, type Truth } from './values.js';

/** Turns the trees of the parser into closures: a filter runs for every message, and is parsed once. */
export type Evaluate = (message: FilterableMessage) => FilterValue;
export type Decide = (message: FilterableMessage) => Truth;

export interface Environment {
  /** Values of `@name`, by name in lower case without the `@`. */
  readonly parameters: ReadonlyMap<string, FilterValue>;
  /** What `newid()` gives. */
  readonly newId: () => string;
}

export function createEnvironment(
  parameters: Readonly<Record<string, FilterValue>> = {},
  newId: () => string = randomUUID,
): Environment {
  const names = Object.entries(parameters).map(
    ([name, value]) => [name.replace(/^@/, '').toLowerCase(), value] as const,
  );
  return { parameters: new Map(names), newId };
}

/** A property of a message; undefined where an application property is missing, null where a system property is. */
function read({ scope, name }: PropertyName): (message: FilterableMessage) => FilterValue | undefined {
  if (scope === 'user') {
    const folded = name.toLowerCase();
    return (message) => message.property(folded);
  }
  const system = systemPropertyOf(name);
  return (message) => {
    const value = system && message.system(system);
    if (value === undefined) throw new FilterError('PS_FILTER_EVALUATION', `there is no system property ${name}`);
    return value;
  };
}

export function compileExpression(expression: Expression, environment: Environment): Evaluate {
  switch (expression.kind) {
    case 'constant': {
      const { value } = expression;
      return () => value;
    }
    case 'parameter': {
      const value = environment.parameters.get(expression.name.toLowerCase());
      if (value === undefined) {
        const message = `the parameter @${expression.name} has no value`;
        throw new FilterError('PS_FILTER_UNKNOWN_PARAMETER', message, expression.position);
      }
      return () => value;
    }
    case 'property': {
      const get = read(expression);
      return (message) => get(message) ?? null;
    }
    case 'computed-property': {
      const name = compileExpression(expression.name, environment);
      return (message) => {
        const value = name(message);
        return typeof value === 'string' ? (message.property(value.toLowerCase()) ?? null) : null;
      };
    }
    case 'newid':
      return environment.newId;
    case 'sign': {
      const operand = compileExpression(expression.operand, environment);
      const apply = expression.operator === '-' ? negate : affirm;
      return (message) => apply(operand(message));
    }
    case 'arithmetic': {
      const left = compileExpression(expression.left, environment);
      const right = compileExpression(expression.right, environment);
      const { operator } = expression;
      return (message) => arithmetic(operator, left(message), right(message));
    }
  }
}

/** AND and OR stop at the first operand that decides; an unknown one decides nothing. */
function compileJunction(left: Decide, right: Decide, decisive: boolean): Decide {
  return (message) => {
    const first = left(message);
    if (first === decisive) return first;
    const second = right(message);
    if (second === decisive) return second;
    return first === null || second === null ? null : !decisive;
  };
}

function compileIn(left: Evaluate, members: readonly Evaluate[]): Decide {
  return (message) => {
    const value = left(message);
    if (value === null) return null;
    let result: Truth = false;
    for (const member of members) {
      const equal = compare('=', value, member(message));
      if (equal === true) return true;
      if (equal === null) result = null;
    }
    return result;
  };
}

function compileLikePredicate(predicate: Predicate & { kind: 'like' }, environment: Environment): Decide {
  const left = compileExpression(predicate.left, environment);
  const pattern = compileExpression(predicate.pattern, environment);
  const escapeUnit = predicate.escape && compileExpression(predicate.escape, environment);
  // The last pattern is kept: nearly always it is a constant.
  let compiled: { shape: string; by: string | undefined; matches: (text: string) => boolean } | undefined;
  return (message) => {
    const [text, shape, by] = [left(message), pattern(message), escapeUnit?.(message)];
    if (typeof text !== 'string' || typeof shape !== 'string') return null;
    if (by !== undefined && typeof by !== 'string') return null;
    if (compiled?.shape !== shape || compiled.by !== by) compiled = { shape, by, matches: compileLike(shape, by) };
    return compiled.matches(text);
  };
}

export function compilePredicate(predicate: Predicate, environment: Environment): Decide {
  switch (predicate.kind) {
    case 'and':
    case 'or':
      return compileJunction(
        compilePredicate(predicate.left, environment),
        compilePredicate(predicate.right, environment),
        predicate.kind === 'or',
      );
    case 'not': {
      const operand = compilePredicate(predicate.operand, environment);
      return (message) => not(operand(message));
    }
    case 'compare': {
      const left = compileExpression(predicate.left, environment);
      const right = compileExpression(predicate.right, environment);
      const { operator } = predicate;
      return (message) => compare(operator, left(message), right(message));
    }
    case 'in':
      return compileIn(
        compileExpression(predicate.left, environment),
        predicate.members.map((member) => compileExpression(member, environment)),
      );
    case 'like':
      return compileLikePredicate(predicate, environment);
    case 'is-null': {
      const get = read(predicate.property);
      return (message) => (get(message) ?? null) === null;
    }
    case 'exists': {
      const get = read(predicate.property);
      const isSystem = predicate.property.scope === 'sys';
      return (message) => {
        const value = get(message);
        return isSystem ? value !== null : value !== undefined;
      };
    }
  }
}
