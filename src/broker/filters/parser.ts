import type { ArithmeticOperator, CompareOperator, Expression, Predicate, PropertyName, Statement } from './ast.js';
import { type Cursor, createCursor } from './cursor.js';
import { FilterError } from './errors.js';
import type { Operator, Token } from './lexer.js';

/**
 * A Pratt parser of this grammar (Microsoft, "SQL filter syntax" and "SQL action syntax"), weakest binding first:
 *
 *     predicate  := predicate OR predicate | predicate AND predicate | NOT predicate | "(" predicate ")"
 *                 | expression { = | <> | != | > | >= | < | <= } expression
 *                 | expression [NOT] IN "(" expression { "," expression } ")"
 *                 | expression [NOT] LIKE expression [ESCAPE expression]
 *                 | property IS [NOT] NULL | EXISTS "(" property ")"
 *     expression := constant | @parameter | property | newid() | property(expression) | p(expression)
 *                 | expression { + | - | * | / | % } expression | { + | - } expression | "(" expression ")"
 *     property   := [sys. | user.] identifier
 *     action     := statement { [";" | ","] statement };  statement := SET property = expression | REMOVE property
 *
 * A parenthesis may hold either, so both are parsed as one and told apart by what is built: `sort` says which it is.
 */
type Node =
  | { readonly sort: 'value'; readonly value: Expression; readonly position: number }
  | { readonly sort: 'predicate'; readonly value: Predicate; readonly position: number };

const POWER = { or: 1, and: 2, not: 3, compare: 4, add: 5, multiply: 6, sign: 7 } as const;

const COMPARISONS: Partial<Record<Operator, CompareOperator>> = {
  '=': '=',
  '<>': '<>',
  '!=': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};
const ARITHMETIC: Partial<Record<Operator, ArithmeticOperator>> = { '+': '+', '-': '-', '*': '*', '/': '/', '%': '%' };

/** The service's limit for the statements of one action. */
const MAX_STATEMENTS = 32;

const predicate = (value: Predicate, position: number): Node => ({ sort: 'predicate', value, position });
const expression = (value: Expression, position: number): Node => ({ sort: 'value', value, position });

function asPredicate(node: Node): Predicate {
  if (node.sort === 'predicate') return node.value;
  throw new FilterError('PS_FILTER_SYNTAX', 'expected a condition, found a value', node.position);
}

function asExpression(node: Node): Expression {
  if (node.sort === 'value') return node.value;
  throw new FilterError('PS_FILTER_SYNTAX', 'expected a value, found a condition', node.position);
}

function asProperty(node: Node): PropertyName {
  if (node.sort === 'value' && node.value.kind === 'property') {
    const { scope, name, position } = node.value;
    return { scope, name, position };
  }
  throw new FilterError('PS_FILTER_SYNTAX', 'expected a property', node.position);
}

function parseProperty(cursor: Cursor): PropertyName {
  const first = cursor.current;
  if (first.kind !== 'identifier') return cursor.fail('a property');
  cursor.advance();
  if (!cursor.takeOperator('.')) return { scope: 'user', name: first.text, position: first.position };
  const scope = first.delimited ? '' : first.text.toLowerCase();
  if (scope !== 'sys' && scope !== 'user') {
    throw new FilterError('PS_FILTER_SYNTAX', 'the scope of a property is sys or user', first.position);
  }
  const name = cursor.current;
  if (name.kind !== 'identifier') return cursor.fail('the name of a property');
  cursor.advance();
  return { scope, name: name.text, position: first.position };
}

/** `newid()`, `property(e)`, `p(e)`: names that mean something else when no parenthesis follows. */
function parseCall(cursor: Cursor, name: string): Expression {
  if (name !== 'newid' && name !== 'property' && name !== 'p') cursor.fail('newid, property or p');
  cursor.advance();
  cursor.expectOperator('(');
  const value: Expression =
    name === 'newid'
      ? { kind: 'newid' }
      : { kind: 'computed-property', name: asExpression(cursor.deeper(() => parseNode(cursor, 0))) };
  cursor.expectOperator(')');
  return value;
}

function integer(value: bigint, position: number): Expression {
  if (BigInt.asIntN(64, value) === value) return { kind: 'constant', value };
  throw new FilterError('PS_FILTER_SYNTAX', 'the integer does not fit 64 bits', position);
}

/** A minus before digits belongs to the constant: the smallest Int64 has no positive counterpart. */
function parseSign(cursor: Cursor, operator: '+' | '-'): Expression {
  const next = cursor.current;
  if (next.kind === 'integer' && operator === '-') {
    cursor.advance();
    return integer(-next.value, next.position);
  }
  return { kind: 'sign', operator, operand: asExpression(cursor.deeper(() => parseNode(cursor, POWER.sign))) };
}

function parseKeywordPrefix(cursor: Cursor, token: Token & { kind: 'keyword' }): Node {
  const { position } = token;
  switch (token.text) {
    case 'TRUE':
    case 'FALSE':
    case 'NULL':
      cursor.advance();
      return expression({ kind: 'constant', value: token.text === 'NULL' ? null : token.text === 'TRUE' }, position);
    case 'NOT':
      cursor.advance();
      return predicate(
        { kind: 'not', operand: asPredicate(cursor.deeper(() => parseNode(cursor, POWER.not))) },
        position,
      );
    case 'EXISTS': {
      cursor.advance();
      cursor.expectOperator('(');
      const property = parseProperty(cursor);
      cursor.expectOperator(')');
      return predicate({ kind: 'exists', property }, position);
    }
    default:
      return cursor.fail('a condition');
  }
}

function parsePrefix(cursor: Cursor): Node {
  const token = cursor.current;
  const { position } = token;
  switch (token.kind) {
    case 'keyword':
      return parseKeywordPrefix(cursor, token);
    case 'identifier':
      return cursor.followedBy('(') && !token.delimited
        ? expression(parseCall(cursor, token.text.toLowerCase()), position)
        : expression({ kind: 'property', ...parseProperty(cursor) }, position);
    case 'integer':
      cursor.advance();
      return expression(integer(token.value, position), position);
    case 'double':
    case 'string':
      cursor.advance();
      return expression({ kind: 'constant', value: token.value }, position);
    case 'parameter':
      cursor.advance();
      return expression({ kind: 'parameter', name: token.text, position }, position);
    case 'operator':
      break;
    case 'end':
      return cursor.fail('a condition');
  }
  if (cursor.takeOperator('(')) {
    const inner = cursor.deeper(() => parseNode(cursor, 0));
    cursor.expectOperator(')');
    return { ...inner, position };
  }
  if (cursor.takeOperator('-')) return expression(parseSign(cursor, '-'), position);
  if (cursor.takeOperator('+')) return expression(parseSign(cursor, '+'), position);
  return cursor.fail('a condition');
}

/** How strongly the token binds to what stands before it; 0 when it does not. */
function bindingPower(token: Token): number {
  if (token.kind === 'keyword') {
    if (token.text === 'OR') return POWER.or;
    if (token.text === 'AND') return POWER.and;
    return ['IS', 'IN', 'LIKE', 'NOT'].includes(token.text) ? POWER.compare : 0;
  }
  if (token.kind !== 'operator') return 0;
  if (COMPARISONS[token.text]) return POWER.compare;
  if (!ARITHMETIC[token.text]) return 0;
  return token.text === '+' || token.text === '-' ? POWER.add : POWER.multiply;
}

function parseMembers(cursor: Cursor): Expression[] {
  cursor.expectOperator('(');
  const members: Expression[] = [];
  do members.push(asExpression(cursor.deeper(() => parseNode(cursor, POWER.compare))));
  while (cursor.takeOperator(','));
  cursor.expectOperator(')');
  return members;
}

function parseLike(cursor: Cursor, left: Expression): Predicate {
  const operand = () => asExpression(parseNode(cursor, POWER.compare));
  const pattern = operand();
  return { kind: 'like', left, pattern, escape: cursor.takeKeyword('ESCAPE') ? operand() : undefined };
}

/** What follows a value and makes it a condition: IS [NOT] NULL, [NOT] IN, [NOT] LIKE. */
function parseTest(cursor: Cursor, left: Node): Predicate {
  if (cursor.takeKeyword('IS')) {
    const negated = cursor.takeKeyword('NOT');
    if (!cursor.takeKeyword('NULL')) cursor.fail('NULL');
    const test: Predicate = { kind: 'is-null', property: asProperty(left) };
    return negated ? { kind: 'not', operand: test } : test;
  }
  const negated = cursor.takeKeyword('NOT');
  let test: Predicate;
  if (cursor.takeKeyword('IN')) test = { kind: 'in', left: asExpression(left), members: parseMembers(cursor) };
  else if (cursor.takeKeyword('LIKE')) test = parseLike(cursor, asExpression(left));
  else cursor.fail('IN or LIKE');
  return negated ? { kind: 'not', operand: test } : test;
}

function parseInfix(cursor: Cursor, left: Node, power: number): Node {
  const token = cursor.current;
  const right = () => parseNode(cursor, power);
  if (token.kind === 'keyword' && (token.text === 'AND' || token.text === 'OR')) {
    cursor.advance();
    const kind = token.text === 'AND' ? 'and' : 'or';
    return predicate({ kind, left: asPredicate(left), right: asPredicate(right()) }, left.position);
  }
  if (token.kind !== 'operator') return predicate(parseTest(cursor, left), left.position);
  cursor.advance();
  const comparison = COMPARISONS[token.text];
  const operands = { left: asExpression(left), right: asExpression(right()) };
  if (comparison) return predicate({ kind: 'compare', operator: comparison, ...operands }, left.position);
  const operator = ARITHMETIC[token.text] as ArithmeticOperator;
  return expression({ kind: 'arithmetic', operator, ...operands }, left.position);
}

/** Parses as long as what follows binds more strongly than `power`. */
function parseNode(cursor: Cursor, power: number): Node {
  let left = parsePrefix(cursor);
  for (let next = bindingPower(cursor.current); next > power; next = bindingPower(cursor.current)) {
    left = parseInfix(cursor, left, next);
  }
  return left;
}

/** @throws FilterError PS_FILTER_SYNTAX, PS_FILTER_LIMIT */
export function parseFilter(text: string): Predicate {
  const cursor = createCursor(text);
  const filter = parseNode(cursor, 0);
  if (cursor.current.kind !== 'end') cursor.fail('an operator or the end');
  return asPredicate(filter);
}

function parseStatement(cursor: Cursor): Statement {
  if (cursor.takeWord('REMOVE')) return { kind: 'remove', property: parseProperty(cursor) };
  if (!cursor.takeWord('SET')) cursor.fail('SET or REMOVE');
  const property = parseProperty(cursor);
  cursor.expectOperator('=');
  return { kind: 'set', property, value: asExpression(parseNode(cursor, POWER.compare)) };
}

/** @throws FilterError PS_FILTER_SYNTAX, PS_FILTER_LIMIT */
export function parseAction(text: string): readonly Statement[] {
  const cursor = createCursor(text);
  const statements: Statement[] = [];
  do {
    statements.push(parseStatement(cursor));
    while (cursor.takeOperator(';') || cursor.takeOperator(','));
  } while (cursor.current.kind !== 'end');
  if (statements.length > MAX_STATEMENTS) {
    throw new FilterError('PS_FILTER_LIMIT', `an action has ${MAX_STATEMENTS} statements at the most`);
  }
  return statements;
}
