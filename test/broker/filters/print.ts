import type { Expression, Predicate, PropertyName } from '../../../src/broker/filters/ast.js';
import type { FilterValue } from '../../../src/broker/topology/types.js';

/* Writes trees as text with only the parentheses that the binding of the operators asks for. */
const POWER = { or: 1, and: 2, not: 3, test: 4, add: 5, multiply: 6, sign: 7, atom: 8 };

function constant(value: FilterValue): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  if (typeof value !== 'number') return String(value).toUpperCase();
  const text = String(value).toUpperCase();
  return /[.E]/.test(text) ? text : `${text}.0`;
}

const property = ({ scope, name }: PropertyName) => `${scope}.[${name.replaceAll(']', ']]')}]`;
const around = (text: string, needed: boolean) => (needed ? `(${text})` : text);

function printExpression(expression: Expression, outer = 0): string {
  switch (expression.kind) {
    case 'constant':
      return constant(expression.value);
    case 'property':
      return property(expression);
    case 'sign':
      return around(`${expression.operator} ${printExpression(expression.operand, POWER.sign)}`, outer > POWER.sign);
    case 'arithmetic': {
      const power = '+-'.includes(expression.operator) ? POWER.add : POWER.multiply;
      const [left, right] = [printExpression(expression.left, power), printExpression(expression.right, power + 1)];
      return around(`${left} ${expression.operator} ${right}`, outer > power);
    }
    default:
      throw new Error(`no text for ${expression.kind}`);
  }
}

export function print(predicate: Predicate, outer = 0): string {
  const operand = (expression: Expression) => printExpression(expression, POWER.add);
  switch (predicate.kind) {
    case 'and':
    case 'or': {
      const power = POWER[predicate.kind];
      const [left, right] = [print(predicate.left, power), print(predicate.right, power + 1)];
      return around(`${left} ${predicate.kind.toUpperCase()} ${right}`, outer > power);
    }
    case 'not':
      return around(`NOT ${print(predicate.operand, POWER.not)}`, outer > POWER.not);
    case 'compare':
      return `${operand(predicate.left)} ${predicate.operator} ${operand(predicate.right)}`;
    case 'in':
      return `${operand(predicate.left)} IN (${predicate.members.map(operand).join(', ')})`;
    case 'like':
      return `${operand(predicate.left)} LIKE ${operand(predicate.pattern)}`;
    case 'is-null':
      return `${property(predicate.property)} IS NULL`;
    case 'exists':
      return `EXISTS(${property(predicate.property)})`;
  }
}
