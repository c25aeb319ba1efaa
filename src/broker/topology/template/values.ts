import { errorAt } from '../errors.js';
import { isObject, type Json, type JsonObject, pathTo } from '../json.js';
import { evaluateString, locate, type Scope } from './evaluate.js';

/** Deepest nesting of a template. */
const MAX_DEPTH = 64;

/** Azure's limit on the iterations of one copy loop. */
const MAX_COPIES = 800;

/**
 * A value of the template with its expressions evaluated and its property loops unrolled.
 * @param path JSON path, for messages
 */
export function evaluateValue(value: Json, scope: Scope, path: string, depth = 0): Json {
  if (depth > MAX_DEPTH) throw errorAt(path, 'PS_TOPOLOGY_EXPRESSION', `nested deeper than ${MAX_DEPTH}`);
  if (typeof value === 'string') return locate(path, () => evaluateString(value, scope));
  if (Array.isArray(value))
    return (value as readonly Json[]).map((item, i) => evaluateValue(item, scope, pathTo(path, i), depth + 1));
  return isObject(value) ? evaluateObject(value, scope, path, depth) : value;
}

function evaluateObject(object: JsonObject, scope: Scope, path: string, depth: number): Json {
  const entries: [string, Json][] = [];
  for (const [key, value] of Object.entries(object)) {
    const here = pathTo(path, key);
    if (key === 'copy' && Array.isArray(value)) entries.push(...propertyLoops(value, scope, here, depth));
    else {
      const name = locate(path, () => evaluateString(key, scope));
      if (typeof name !== 'string') throw errorAt(here, 'PS_TOPOLOGY_EXPRESSION', 'a property name must be a string');
      entries.push([name, evaluateValue(value, scope, here, depth + 1)]);
    }
  }
  // fromEntries defines properties, so that a key "__proto__" stays a key.
  return Object.fromEntries(entries);
}

/** `"copy": [{ "name", "count", "input" }]` makes an array property of each entry. */
function propertyLoops(loops: readonly Json[], scope: Scope, path: string, depth: number): [string, Json][] {
  return loops.map((loop, i) => {
    const here = pathTo(path, i);
    const { name, count } = readLoop(loop, scope, here);
    const input = isObject(loop) ? loop['input'] : undefined;
    if (input === undefined) throw errorAt(here, 'PS_TOPOLOGY_EXPRESSION', 'a property loop needs an input');
    const iterations = Array.from({ length: count }, (_, index) =>
      evaluateValue(input, withLoop(scope, name, index), `${here}.input`, depth + 1),
    );
    return [name, iterations];
  });
}

/** The name and the number of iterations of a copy loop. */
export function readLoop(loop: Json | undefined, scope: Scope, path: string): { name: string; count: number } {
  if (!isObject(loop) || typeof loop['name'] !== 'string' || loop['count'] === undefined)
    throw errorAt(path, 'PS_TOPOLOGY_EXPRESSION', 'a copy loop needs a name and a count');
  const count = evaluateValue(loop['count'], scope, `${path}.count`);
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 0 || count > MAX_COPIES)
    throw errorAt(`${path}.count`, 'PS_TOPOLOGY_EXPRESSION', `must be a whole number up to ${MAX_COPIES}`);
  return { name: loop['name'], count };
}

/** The scope inside one iteration of a loop. */
export function withLoop(scope: Scope, name: string, index: number): Scope {
  return {
    ...scope,
    copyIndex: (loop) =>
      loop === undefined || loop.toLowerCase() === name.toLowerCase() ? index : scope.copyIndex(loop),
  };
}
