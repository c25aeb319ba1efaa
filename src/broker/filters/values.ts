import type { FilterValue } from '../topology/types.js';
import type { ArithmeticOperator, CompareOperator } from './ast.js';
import { FilterError } from './errors.js';

/** A truth value of three-valued logic; null is unknown. */
export type Truth = boolean | null;

type Numeric = number | bigint;

const isNumeric = (value: FilterValue): value is Numeric => typeof value === 'number' || typeof value === 'bigint';

/** Kleene's tables. */
export const not = (operand: Truth): Truth => (operand === null ? null : !operand);

function holds(operator: CompareOperator, less: boolean, greater: boolean, equal: boolean): boolean {
  switch (operator) {
    case '=':
      return equal;
    case '<>':
      return !equal;
    case '<':
      return less;
    case '<=':
      return less || equal;
    case '>':
      return greater;
    case '>=':
      return greater || equal;
  }
}

/**
 * Compares two values. Integers and doubles compare by what they are worth, strings by code units and in their case,
 * dates by time. Unknown operands, values of different kinds, and an order of booleans are unknown. NaN is unequal to all.
 */
export function compare(operator: CompareOperator, left: FilterValue, right: FilterValue): Truth {
  if (typeof left === 'string' && typeof right === 'string') {
    return holds(operator, left < right, left > right, left === right);
  }
  if (isNumeric(left) && isNumeric(right)) {
    const [less, greater] = [left < right, left > right];
    const ordered = !Number.isNaN(left) && !Number.isNaN(right);
    return holds(operator, less, greater, ordered && !less && !greater);
  }
  if (typeof left === 'boolean' && typeof right === 'boolean') {
    return operator === '=' ? left === right : operator === '<>' ? left !== right : null;
  }
  if (left instanceof Date && right instanceof Date) return compare(operator, left.getTime(), right.getTime());
  return null;
}

function onIntegers(operator: ArithmeticOperator, left: bigint, right: bigint): bigint {
  if (right === 0n && (operator === '/' || operator === '%')) {
    throw new FilterError('PS_FILTER_EVALUATION', 'division by zero');
  }
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
  }
}

function onDoubles(operator: ArithmeticOperator, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
  }
}

/**
 * C#'s arithmetic: Int64 with Int64 stays Int64 and wraps around, Int64 with Double is Double, `+` joins strings.
 * Anything else is unknown.
 * @throws FilterError PS_FILTER_EVALUATION on an integer division by zero
 */
export function arithmetic(operator: ArithmeticOperator, left: FilterValue, right: FilterValue): FilterValue {
  if (typeof left === 'bigint' && typeof right === 'bigint')
    return BigInt.asIntN(64, onIntegers(operator, left, right));
  if (isNumeric(left) && isNumeric(right)) return onDoubles(operator, Number(left), Number(right));
  if (operator === '+' && typeof left === 'string' && typeof right === 'string') return left + right;
  return null;
}

export function negate(operand: FilterValue): FilterValue {
  if (typeof operand === 'bigint') return BigInt.asIntN(64, -operand);
  return typeof operand === 'number' ? -operand : null;
}

/** Unary plus: a number as it is. */
export const affirm = (operand: FilterValue): FilterValue => (isNumeric(operand) ? operand : null);
