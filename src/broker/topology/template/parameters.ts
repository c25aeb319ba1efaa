import { errorAt } from '../errors.js';
import { isObject, type Json, type JsonObject, kindOf, lookUp } from '../json.js';
import type { Scope } from './evaluate.js';
import { evaluateValue } from './values.js';

/** Values for a template's parameters, by name. */
export type ParameterValues = JsonObject;

const typeTests: Readonly<Record<string, (value: Json) => boolean>> = {
  string: (value) => typeof value === 'string',
  securestring: (value) => typeof value === 'string',
  int: (value) => Number.isSafeInteger(value),
  bool: (value) => typeof value === 'boolean',
  array: (value) => Array.isArray(value),
  object: isObject,
  secureobject: isObject,
};

/**
 * Settles the parameters: the value given, else the default, each checked against its declaration.
 * @param scope what a default may refer to: other parameters and functions, no variables
 * @throws TopologyError PS_TOPOLOGY_PARAMETER
 */
export function createParameters(
  declared: JsonObject,
  given: ParameterValues,
  scope: () => Scope,
): (name: string) => Json | undefined {
  for (const name of Object.keys(given)) {
    if (lookUp(declared, name) === undefined)
      throw errorAt(`$.parameters.${name}`, 'PS_TOPOLOGY_PARAMETER', 'the template has no such parameter');
  }
  return lazily('parameter', Object.keys(declared), (name) => {
    const path = `$.parameters.${name}`;
    const declaration = declared[name];
    if (!isObject(declaration)) throw errorAt(path, 'PS_TOPOLOGY_PARAMETER', 'must be an object');
    let value = lookUp(given, name);
    if (value === undefined) {
      const fallback = declaration['defaultValue'];
      if (fallback === undefined) throw errorAt(path, 'PS_TOPOLOGY_PARAMETER', 'needs a value: it has no default');
      value = evaluateValue(fallback, scope(), `${path}.defaultValue`);
    }
    checkValue(value, declaration, path);
    return value;
  });
}

function checkValue(value: Json, declaration: JsonObject, path: string): void {
  const fail = (message: string) => errorAt(path, 'PS_TOPOLOGY_PARAMETER', message);
  const type = String(declaration['type']).toLowerCase();
  const test = Object.hasOwn(typeTests, type) ? typeTests[type] : undefined;
  if (test === undefined) throw fail(`unknown type ${JSON.stringify(declaration['type'])}`);
  if (!test(value)) throw fail(`must be of type ${type}, not ${kindOf(value)}`);
  const { allowedValues, minValue, maxValue, minLength, maxLength } = declaration;
  if (Array.isArray(allowedValues) && !allowedValues.includes(value))
    throw fail(`must be one of ${allowedValues.join(', ')}`);
  const size = typeof value === 'string' || Array.isArray(value) ? value.length : undefined;
  if (size !== undefined && typeof minLength === 'number' && size < minLength)
    throw fail(`must be at least ${minLength} long`);
  if (size !== undefined && typeof maxLength === 'number' && size > maxLength)
    throw fail(`must be at most ${maxLength} long`);
  if (typeof value !== 'number') return;
  if (typeof minValue === 'number' && value < minValue) throw fail(`must be at least ${minValue}`);
  if (typeof maxValue === 'number' && value > maxValue) throw fail(`must be at most ${maxValue}`);
}

/** Settles each name at its first use and remembers it; a name that needs itself is an error, not a recursion. */
export function lazily(
  what: 'parameter' | 'variable',
  names: readonly string[],
  settle: (name: string) => Json,
): (name: string) => Json | undefined {
  const exact = new Map(names.map((name) => [name.toLowerCase(), name]));
  const settled = new Map<string, Json>();
  const settling = new Set<string>();
  return (asked) => {
    const name = exact.get(asked.toLowerCase());
    if (name === undefined) return undefined;
    const known = settled.get(name);
    if (known !== undefined) return known;
    if (settling.has(name))
      throw errorAt(`$.${what}s.${name}`, 'PS_TOPOLOGY_EXPRESSION', `${what} ${name} refers to itself`);
    settling.add(name);
    const value = settle(name);
    settling.delete(name);
    settled.set(name, value);
    return value;
  };
}
