import { TopologyError } from '../errors.js';

/*
 * The expression language of ARM templates
 * (https://learn.microsoft.com/azure/azure-resource-manager/templates/template-expressions):
 *
 *   expression = primary { "." name | "[" expression "]" }
 *   primary    = string | integer | name "(" [ expression { "," expression } ] ")"
 *   string     = "'" { any character but "'" | "''" } "'"
 */

export type Expression =
  | { readonly kind: 'literal'; readonly value: string | number; readonly position: number }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[]; readonly position: number }
  | { readonly kind: 'property'; readonly target: Expression; readonly name: string; readonly position: number }
  | { readonly kind: 'index'; readonly target: Expression; readonly index: Expression; readonly position: number };

/** Azure's own limit on an expression. */
const MAX_LENGTH = 24_576;
const MAX_DEPTH = 64;

export type TemplateString =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'expression'; readonly expression: Expression };

/**
 * Reads a string of a template: `[…]` is an expression, `[[…` a text that starts with a bracket, all else is text.
 * @throws TopologyError PS_TOPOLOGY_EXPRESSION with the expression and the position in it
 */
export function parseTemplateString(text: string): TemplateString {
  if (text.startsWith('[[')) return { kind: 'text', text: text.slice(1) };
  if (!text.startsWith('[') || !text.endsWith(']')) return { kind: 'text', text };
  return { kind: 'expression', expression: createParser(text.slice(1, -1)).parse() };
}

/** An error inside an expression; `position` counts from the expression's first character, after the bracket. */
export function expressionError(
  source: string,
  position: number,
  message: string,
  code: 'PS_TOPOLOGY_EXPRESSION' | 'PS_TOPOLOGY_FUNCTION' = 'PS_TOPOLOGY_EXPRESSION',
): TopologyError {
  const shown = source.length > 200 ? `${source.slice(0, 200)}…` : source;
  return new TopologyError(code, `${message} at ${position} in [${shown}]`, {
    facts: { expression: source, position },
  });
}

const namePattern = /[A-Za-z_$][A-Za-z0-9_$]*/y;
const integerPattern = /-?\d{1,15}(?![\w.])/y;
const blankPattern = /[ \t\r\n]*/y;

function createParser(source: string): { parse(): Expression } {
  let at = 0;

  function fail(message: string, position = at): never {
    throw expressionError(source, position, message);
  }

  function match(pattern: RegExp): string | undefined {
    pattern.lastIndex = at;
    const found = pattern.exec(source)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  }

  function take(char: string): boolean {
    match(blankPattern);
    if (source[at] !== char) return false;
    at++;
    return true;
  }

  function expect(char: string): void {
    if (!take(char)) fail(at < source.length ? `expected "${char}"` : `expected "${char}" before the end`);
  }

  function expression(depth: number): Expression {
    if (depth > MAX_DEPTH) fail(`nested deeper than ${MAX_DEPTH}`);
    let node = primary(depth);
    for (let steps = depth; ; steps++) {
      if (steps > MAX_DEPTH) fail(`nested deeper than ${MAX_DEPTH}`);
      const position = at;
      if (take('.')) {
        match(blankPattern);
        const name = match(namePattern) ?? fail('expected a property name');
        node = { kind: 'property', target: node, name, position };
      } else if (take('[')) {
        node = { kind: 'index', target: node, index: expression(depth + 1), position };
        expect(']');
      } else {
        return node;
      }
    }
  }

  function primary(depth: number): Expression {
    match(blankPattern);
    const position = at;
    if (source[at] === "'") return { kind: 'literal', value: string(), position };
    const integer = match(integerPattern);
    if (integer !== undefined) return { kind: 'literal', value: Number(integer), position };
    const name = match(namePattern) ?? fail('expected a function, a string or a whole number');
    expect('(');
    const args: Expression[] = [];
    if (!take(')')) {
      do args.push(expression(depth + 1));
      while (take(','));
      expect(')');
    }
    return { kind: 'call', name, args, position };
  }

  function string(): string {
    const start = at;
    let value = '';
    for (at++; at < source.length; at++) {
      if (source[at] !== "'") value += source[at];
      else if (source[at + 1] === "'") value += source[at++];
      else {
        at++;
        return value;
      }
    }
    return fail('a string that does not end', start);
  }

  return {
    parse() {
      if (source.length > MAX_LENGTH) fail(`longer than ${MAX_LENGTH} characters`, 0);
      const root = expression(0);
      match(blankPattern);
      if (at < source.length) fail('unexpected text');
      return root;
    },
  };
}
