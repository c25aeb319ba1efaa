import { messageOf } from '../../../shared/errors.js';
import { TopologyError } from '../errors.js';
import { isObject, type Json, kindOf, lookUp } from '../json.js';
import { type Expression, expressionError, parseTemplateString } from './expression.js';
import { pureFunctions, truth } from './functions.js';

/** What an expression can see. Names are looked up without regard to case. */
export interface Scope {
  /** @returns undefined when there is no such parameter, or none may be read here */
  parameter(name: string): Json | undefined;
  variable(name: string): Json | undefined;
  /** Running index of the named copy loop, or of the innermost one. */
  copyIndex(loop: string | undefined): number | undefined;
}

/** A result larger than this many characters or elements is a runaway template, not a topology. */
const MAX_RESULT = 1_000_000;

/**
 * The value of a string of a template.
 * @throws TopologyError PS_TOPOLOGY_EXPRESSION, PS_TOPOLOGY_FUNCTION with the expression and the position in it
 */
export function evaluateString(source: string, scope: Scope): Json {
  const parsed = parseTemplateString(source);
  return parsed.kind === 'text' ? parsed.text : evaluate(parsed.expression, { source: source.slice(1, -1), scope });
}

interface Context {
  readonly source: string;
  readonly scope: Scope;
}

function evaluate(node: Expression, context: Context): Json {
  switch (node.kind) {
    case 'literal':
      return node.value;
    case 'property':
      return member(evaluate(node.target, context), node.name, node, context);
    case 'index':
      return member(evaluate(node.target, context), evaluate(node.index, context), node, context);
    case 'call':
      return call(node, context);
  }
}

function member(target: Json, key: Json, node: Expression, { source }: Context): Json {
  const found =
    isObject(target) && typeof key === 'string'
      ? lookUp(target, key)
      : Array.isArray(target) && typeof key === 'number'
        ? (target as readonly Json[])[key]
        : undefined;
  if (found === undefined)
    throw expressionError(source, node.position, `${kindOf(target)} has no member ${JSON.stringify(key)}`);
  return found;
}

type Call = Extract<Expression, { kind: 'call' }>;

/** Functions that need the scope, or that must not evaluate all of their arguments. */
const contextFunctions: Readonly<Record<string, (node: Call, context: Context) => Json>> = {
  parameters: (node, context) => named(node, context, 'parameter', context.scope.parameter),
  variables: (node, context) => named(node, context, 'variable', context.scope.variable),
  copyindex: copyIndex,
  if(node, context) {
    const [condition, yes, no] = node.args;
    if (condition === undefined || yes === undefined || no === undefined || node.args.length > 3)
      throw expressionError(context.source, node.position, 'if needs a condition and two values');
    return evaluate(booleanOf(condition, context) ? yes : no, context);
  },
  and: (node, context) => node.args.every((arg) => booleanOf(arg, context)),
  or: (node, context) => node.args.some((arg) => booleanOf(arg, context)),
};

function call(node: Call, context: Context): Json {
  const name = node.name.toLowerCase();
  const special = Object.hasOwn(contextFunctions, name) ? contextFunctions[name] : undefined;
  if (special !== undefined) return special(node, context);
  const body = pureFunctions.get(name);
  if (body === undefined)
    throw expressionError(context.source, node.position, `unknown function ${node.name}`, 'PS_TOPOLOGY_FUNCTION');
  const args = node.args.map((arg) => evaluate(arg, context));
  if (args.length < body.length)
    throw expressionError(context.source, node.position, `${node.name} needs ${body.length} arguments`);
  let result: Json;
  try {
    result = body(...args);
  } catch (cause) {
    throw expressionError(context.source, node.position, `${node.name}: ${messageOf(cause)}`);
  }
  if ((typeof result === 'string' || Array.isArray(result)) && result.length > MAX_RESULT)
    throw expressionError(context.source, node.position, `${node.name} makes more than ${MAX_RESULT}`);
  return result;
}

function named(node: Call, context: Context, what: string, find: (name: string) => Json | undefined): Json {
  const name = node.args.length === 1 && node.args[0] !== undefined ? evaluate(node.args[0], context) : undefined;
  if (typeof name !== 'string')
    throw expressionError(context.source, node.position, `${node.name} needs the name of a ${what}`);
  const value = find(name);
  if (value === undefined) throw expressionError(context.source, node.position, `no ${what} "${name}"`);
  return value;
}

/** copyIndex(), copyIndex(offset), copyIndex('loop'), copyIndex('loop', offset) */
function copyIndex(node: Call, context: Context): Json {
  const args = node.args.map((arg) => evaluate(arg, context));
  const loop = typeof args[0] === 'string' ? args[0] : undefined;
  const offset = args[loop === undefined ? 0 : 1] ?? 0;
  const index = context.scope.copyIndex(loop);
  if (index === undefined)
    throw expressionError(
      context.source,
      node.position,
      loop === undefined ? 'no copy loop here' : `no loop "${loop}"`,
    );
  if (typeof offset !== 'number')
    throw expressionError(context.source, node.position, 'the offset of copyIndex is a whole number');
  return index + offset;
}

function booleanOf(node: Expression, context: Context): boolean {
  const value = evaluate(node, context);
  try {
    return truth(value);
  } catch (cause) {
    throw expressionError(context.source, node.position, messageOf(cause));
  }
}

/** Adds the JSON path to an error of the expression there. */
export function locate<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof TopologyError) || error.facts['path'] !== undefined) throw error;
    throw new TopologyError(error.code, `${path}: ${error.message}`, { cause: error, facts: { ...error.facts, path } });
  }
}
