import { errorAt } from '../errors.js';
import { isObject, type Json, type JsonObject, pathTo } from '../json.js';
import type { Scope } from './evaluate.js';
import { createParameters, lazily, type ParameterValues } from './parameters.js';
import { evaluateValue, readLoop, withLoop } from './values.js';

/** A resource as Azure Resource Manager would deploy it: loops unrolled, nesting flattened, expressions evaluated. */
export interface EvaluatedResource {
  /** Full type, such as `Microsoft.ServiceBus/namespaces/topics`. */
  readonly type: string;
  /** Full name, one segment for each segment of the type after the provider. */
  readonly name: string;
  /** Name of the copy loop that it comes from. */
  readonly loop?: string;
  /** JSON path in the template. */
  readonly path: string;
  /** All of the resource but `resources`, `copy` and `condition`. */
  readonly body: JsonObject;
}

export interface EvaluatedTemplate {
  readonly resources: readonly EvaluatedResource[];
  readonly outputs: () => JsonObject;
}

/**
 * Evaluates an ARM template: parameters, variables, copy loops, conditions and nested child resources.
 * @param wanted which resources to evaluate, by full type; others may use what is not known here
 * @throws TopologyError with the JSON path, and the expression and position in it where it is an expression's fault
 */
export function evaluateTemplate(
  template: Json,
  values: ParameterValues = {},
  wanted: (type: string) => boolean = () => true,
): EvaluatedTemplate {
  if (!isObject(template) || !Array.isArray(template['resources']))
    throw errorAt('$', 'PS_TOPOLOGY_UNREADABLE', 'not an ARM template: it has no array of resources');
  const scope = createScope(template, values);
  const resources: EvaluatedResource[] = [];
  const visit = (resource: Json, path: string, parent: Parent | undefined) => {
    for (const [iteration, loop] of iterations(resource, scope, path, parent)) {
      const found = evaluateResource(resource as JsonObject, iteration, path, parent, wanted);
      if (found === undefined) continue;
      if (found.body !== undefined)
        resources.push({ ...found, body: found.body, path, ...(loop === undefined ? {} : { loop }) });
      const children = (resource as JsonObject)['resources'];
      if (!Array.isArray(children)) continue;
      children.forEach((child: Json, i) => {
        visit(child, pathTo(`${path}.resources`, i), { ...found, scope: iteration });
      });
    }
  };
  template['resources'].forEach((resource: Json, i) => {
    visit(resource, `$.resources[${i}]`, undefined);
  });
  return { resources, outputs: () => evaluateOutputs(template['outputs'], scope) };
}

interface Parent {
  readonly type: string;
  readonly name: string;
  readonly scope: Scope;
}

function createScope(template: JsonObject, values: ParameterValues): Scope {
  const section = (name: string): JsonObject => {
    const found = template[name] ?? {};
    if (!isObject(found)) throw errorAt(`$.${name}`, 'PS_TOPOLOGY_UNREADABLE', 'must be an object');
    return found;
  };
  const scope: Scope = {
    parameter: createParameters(section('parameters'), values, () => ({ ...scope, variable: () => undefined })),
    variable: (name) => variables(name),
    copyIndex: () => undefined,
  };
  const { copy: loops, ...plain } = section('variables');
  const looped = new Map(
    (Array.isArray(loops) ? (loops as readonly Json[]) : []).map((loop, i) => {
      const name = isObject(loop) ? loop['name'] : undefined;
      if (typeof name !== 'string')
        throw errorAt(`$.variables.copy[${i}]`, 'PS_TOPOLOGY_EXPRESSION', 'a copy loop needs a name and a count');
      return [name, { loop, path: `$.variables.copy[${i}]` }] as const;
    }),
  );
  const variables = lazily('variable', [...Object.keys(plain), ...looped.keys()], (name) => {
    const one = looped.get(name);
    if (one === undefined) return evaluateValue(plain[name] as Json, scope, pathTo('$.variables', name));
    const unrolled = evaluateValue({ copy: [one.loop] }, scope, one.path) as JsonObject;
    return unrolled[name] as Json;
  });
  return scope;
}

/** One scope for each iteration of a resource's copy loop; a single one without a loop. */
function* iterations(
  resource: Json,
  scope: Scope,
  path: string,
  parent: Parent | undefined,
): Generator<readonly [Scope, string | undefined]> {
  if (!isObject(resource)) throw errorAt(path, 'PS_TOPOLOGY_UNREADABLE', 'a resource must be an object');
  const outer = parent?.scope ?? scope;
  if (resource['copy'] === undefined) {
    yield [outer, undefined];
    return;
  }
  if (parent !== undefined)
    throw errorAt(`${path}.copy`, 'PS_TOPOLOGY_EXPRESSION', 'Azure has no copy loops on nested child resources');
  const { name, count } = readLoop(resource['copy'], outer, `${path}.copy`);
  for (let i = 0; i < count; i++) yield [withLoop(outer, name, i), name];
}

function evaluateResource(
  resource: JsonObject,
  scope: Scope,
  path: string,
  parent: Parent | undefined,
  wanted: (type: string) => boolean,
): { type: string; name: string; body?: JsonObject } | undefined {
  const { type: ownType, resources: _children, copy: _copy, condition, ...rest } = resource;
  if (typeof ownType !== 'string') throw errorAt(`${path}.type`, 'PS_TOPOLOGY_UNREADABLE', 'must be a string');
  const nested = parent !== undefined && !ownType.startsWith(`${parent.type}/`);
  const type = nested ? `${parent.type}/${ownType}` : ownType;
  const hasChildren = Array.isArray(_children) && _children.length > 0;
  if (!wanted(type) && !hasChildren) return undefined;
  if (condition !== undefined) {
    const holds = evaluateValue(condition, scope, `${path}.condition`);
    if (typeof holds !== 'boolean') throw errorAt(`${path}.condition`, 'PS_TOPOLOGY_EXPRESSION', 'must be a boolean');
    if (!holds) return undefined;
  }
  const ownName = evaluateValue(rest['name'] ?? null, scope, `${path}.name`);
  if (typeof ownName !== 'string') throw errorAt(`${path}.name`, 'PS_TOPOLOGY_UNREADABLE', 'must be a string');
  const name = nested ? `${parent.name}/${ownName}` : ownName;
  if (!wanted(type)) return { type, name };
  return { type, name, body: { ...(evaluateValue(rest, scope, path) as JsonObject), type, name } };
}

/** Outputs by name; those whose condition does not hold are left out. */
function evaluateOutputs(outputs: Json | undefined, scope: Scope): JsonObject {
  if (outputs === undefined) return {};
  if (!isObject(outputs)) throw errorAt('$.outputs', 'PS_TOPOLOGY_UNREADABLE', 'must be an object');
  const entries: [string, Json][] = [];
  for (const [name, output] of Object.entries(outputs)) {
    const path = pathTo('$.outputs', name);
    if (!isObject(output)) throw errorAt(path, 'PS_TOPOLOGY_UNREADABLE', 'must be an object');
    if (output['condition'] !== undefined && evaluateValue(output['condition'], scope, `${path}.condition`) !== true)
      continue;
    const loop = isObject(output['copy']) ? output['copy'] : undefined;
    const value =
      loop === undefined
        ? evaluateValue(output['value'] ?? null, scope, `${path}.value`)
        : (evaluateValue({ copy: [{ name, ...loop }] }, scope, path) as JsonObject)[name];
    entries.push([name, value ?? null]);
  }
  return Object.fromEntries(entries);
}
