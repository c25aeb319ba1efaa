import { createHash } from 'node:crypto';
import { isObject, type Json, type JsonObject, kindOf, lookUp, parseJsonWithComments } from '../json.js';

/** A template function: pure. It throws an Error whose message says which argument does not fit. */
export type TemplateFunction = (...args: Json[]) => Json;

/** Most elements that `range` may make; Azure's limit. */
const MAX_RANGE = 10_000;

/** The functions of templates that need nothing but their arguments, by lower-case name. */
export const pureFunctions: ReadonlyMap<string, TemplateFunction> = new Map(
  Object.entries({ ...strings(), ...logic(), ...numbers(), ...collections(), ...resources() }).map(
    ([name, body]) => [name.toLowerCase(), body as TemplateFunction] as const,
  ),
);

function strings() {
  return {
    format: (pattern: Json, ...values: Json[]) => format(text(pattern), values),
    toLower: (value: Json) => text(value).toLowerCase(),
    toUpper: (value: Json) => text(value).toUpperCase(),
    trim: (value: Json) => text(value).trim(),
    replace: (value: Json, from: Json, to: Json) => text(value).replaceAll(text(from), () => text(to)),
    substring: (value: Json, start: Json, length?: Json) => substring(text(value), integer(start), length),
    split: (value: Json, separator: Json) => text(value).split(text(separator)),
    join: (values: Json, separator: Json) => list(values).map(toText).join(text(separator)),
    startsWith: (value: Json, start: Json) => text(value).toLowerCase().startsWith(text(start).toLowerCase()),
    endsWith: (value: Json, end: Json) => text(value).toLowerCase().endsWith(text(end).toLowerCase()),
    indexOf: (value: Json, part: Json) => text(value).toLowerCase().indexOf(text(part).toLowerCase()),
    lastIndexOf: (value: Json, part: Json) => text(value).toLowerCase().lastIndexOf(text(part).toLowerCase()),
    padLeft: (value: Json, length: Json, pad: Json = ' ') => toText(value).padStart(integer(length), text(pad)),
    string: (value: Json) => toText(value),
    uniqueString: (...values: Json[]) => uniqueString(values.map(text)),
    guid: (...values: Json[]) => guid(values.map(text)),
  };
}

function logic() {
  return {
    equals: (a: Json, b: Json) => same(a, b),
    not: (value: Json) => !truth(value),
    bool: (value: Json) => toBoolean(value),
    true: () => true,
    false: () => false,
    null: () => null,
    coalesce: (...values: Json[]) => values.find((value) => value !== null) ?? null,
    less: (a: Json, b: Json) => compare(a, b) < 0,
    lessOrEquals: (a: Json, b: Json) => compare(a, b) <= 0,
    greater: (a: Json, b: Json) => compare(a, b) > 0,
    greaterOrEquals: (a: Json, b: Json) => compare(a, b) >= 0,
  };
}

function numbers() {
  return {
    int: (value: Json) => toInteger(value),
    add: (a: Json, b: Json) => integer(a) + integer(b),
    sub: (a: Json, b: Json) => integer(a) - integer(b),
    mul: (a: Json, b: Json) => integer(a) * integer(b),
    div: (a: Json, b: Json) => Math.trunc(integer(a) / nonZero(b)),
    mod: (a: Json, b: Json) => integer(a) % nonZero(b),
    min: (...values: Json[]) => Math.min(...flat(values).map(integer)),
    max: (...values: Json[]) => Math.max(...flat(values).map(integer)),
  };
}

function collections() {
  return {
    concat: (...values: Json[]) => (Array.isArray(values[0]) ? values.flatMap(list) : values.map(toText).join('')),
    createArray: (...values: Json[]) => values,
    createObject: (...values: Json[]) => createObject(values),
    array: (value: Json) => (Array.isArray(value) ? value : [value]),
    json: (value: Json) => parseJsonWithComments(text(value)),
    length: (value: Json) => (isObject(value) ? Object.keys(value).length : sequence(value).length),
    empty: (value: Json) => value === null || (isObject(value) ? Object.keys(value) : sequence(value)).length === 0,
    first: (value: Json) => sequence(value).slice(0, 1)[0] ?? (typeof value === 'string' ? '' : null),
    last: (value: Json) => sequence(value).slice(-1)[0] ?? (typeof value === 'string' ? '' : null),
    take: (value: Json, count: Json) => sequence(value).slice(0, Math.max(0, integer(count))),
    skip: (value: Json, count: Json) => sequence(value).slice(Math.max(0, integer(count))),
    contains: (container: Json, item: Json) => contains(container, item),
    union: (...values: Json[]) => union(values),
    intersection: (first: Json, ...rest: Json[]) => intersection(list(first), rest.map(list)),
    items: (value: Json) => items(value),
    range: (start: Json, count: Json) => range(integer(start), integer(count)),
  };
}

function resources() {
  return {
    resourceId: (...parts: Json[]) => resourceId(parts.map(text)),
    subscriptionResourceId: (type: Json, ...names: Json[]) =>
      `${subscriptionScope}${providerPath(text(type), names.map(text))}`,
    resourceGroup: () => ({
      id: groupScope,
      name: 'local',
      type: 'Microsoft.Resources/resourceGroups',
      location: 'local',
      tags: {},
    }),
    subscription: () => ({ id: subscriptionScope, subscriptionId: nilGuid, tenantId: nilGuid, displayName: 'local' }),
    environment: () => ({ name: 'AzureCloud', suffixes: { storage: 'core.windows.net' } }),
  };
}

// --- arguments ------------------------------------------------------------------------------------------------------

function text(value: Json | undefined): string {
  if (typeof value === 'string') return value;
  throw new Error(`needs a string, not ${kindOf(value)}`);
}

function integer(value: Json | undefined): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw new Error(`needs a whole number, not ${kindOf(value)}`);
}

function nonZero(value: Json | undefined): number {
  const number = integer(value);
  if (number === 0) throw new Error('cannot divide by zero');
  return number;
}

export function truth(value: Json | undefined): boolean {
  if (typeof value === 'boolean') return value;
  throw new Error(`needs a boolean, not ${kindOf(value)}`);
}

function list(value: Json | undefined): readonly Json[] {
  if (Array.isArray(value)) return value as readonly Json[];
  throw new Error(`needs an array, not ${kindOf(value)}`);
}

function sequence(value: Json | undefined): string | readonly Json[] {
  return typeof value === 'string' ? value : list(value);
}

function flat(values: readonly Json[]): readonly Json[] {
  const found = values.length === 1 && Array.isArray(values[0]) ? (values[0] as readonly Json[]) : values;
  if (found.length === 0) throw new Error('needs at least one number');
  return found;
}

// --- bodies ---------------------------------------------------------------------------------------------------------

function toText(value: Json | undefined): string {
  if (value === undefined) throw new Error('needs a value');
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function toInteger(value: Json): number {
  if (typeof value !== 'string') return integer(value);
  if (!/^-?\d{1,15}$/.test(value)) throw new Error(`"${value}" is not a whole number`);
  return Number(value);
}

function toBoolean(value: Json): boolean {
  if (typeof value === 'number') return value !== 0;
  if (typeof value !== 'string') return truth(value);
  if (!/^(?:true|false)$/i.test(value)) throw new Error(`"${value}" is neither true nor false`);
  return value.toLowerCase() === 'true';
}

/** .NET's composite format without its number formats: `{0}`, and `{{` for a brace. */
function format(pattern: string, values: readonly Json[]): string {
  return pattern.replace(/\{\{|\}\}|\{(\d{1,3})\}|[{}]/g, (part, index?: string) => {
    if (part === '{{' || part === '}}') return part.slice(1);
    const value = index === undefined ? undefined : values[Number(index)];
    if (value === undefined) throw new Error(`"${part}" in the format has no value`);
    return toText(value);
  });
}

function substring(value: string, start: number, length?: Json): string {
  const end = length === undefined ? value.length : start + integer(length);
  if (start < 0 || end < start || end > value.length) throw new Error(`reaches beyond the ${value.length} characters`);
  return value.slice(start, end);
}

/** Values are equal by content; strings with regard to case. */
function same(a: Json | undefined, b: Json | undefined): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => same(item, b[i]));
  if (isObject(a) && isObject(b)) {
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
  }
  return a === b;
}

function compare(a: Json, b: Json): number {
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  return integer(a) - integer(b);
}

function createObject(values: readonly Json[]): JsonObject {
  if (values.length % 2 !== 0) throw new Error('needs pairs of key and value');
  return Object.fromEntries(
    values.flatMap((key, i) => (i % 2 === 0 ? [[text(key), values[i + 1] as Json] as const] : [])),
  );
}

function contains(container: Json, item: Json): boolean {
  if (typeof container === 'string') return container.includes(toText(item));
  if (isObject(container)) return lookUp(container, text(item)) !== undefined;
  return list(container).some((candidate) => same(candidate, item));
}

/** Arrays lose their repetitions; of objects the last value of a key wins, and objects inside merge likewise. */
function union(values: readonly Json[]): Json {
  if (Array.isArray(values[0])) {
    const all = values.flatMap(list);
    return all.filter((value, i) => all.findIndex((other) => same(other, value)) === i);
  }
  return values.reduce<JsonObject>((merged, value) => {
    if (!isObject(value)) throw new Error(`needs objects or arrays, not ${kindOf(value)}`);
    const next = new Map(Object.entries(merged));
    for (const [key, item] of Object.entries(value)) {
      const before = next.get(key);
      next.set(key, isObject(before) && isObject(item) ? union([before, item]) : item);
    }
    return Object.fromEntries(next);
  }, {});
}

function intersection(first: readonly Json[], rest: readonly (readonly Json[])[]): Json {
  return first.filter((value) => rest.every((other) => other.some((candidate) => same(candidate, value))));
}

/** An object as an array of `{ key, value }`, by key: the order that Azure gives. */
function items(value: Json): Json {
  if (!isObject(value)) throw new Error(`needs an object, not ${kindOf(value)}`);
  return Object.keys(value)
    .sort()
    .map((key) => ({ key, value: value[key] as Json }));
}

function range(start: number, count: number): number[] {
  if (count < 0 || count > MAX_RANGE) throw new Error(`makes 0 to ${MAX_RANGE} numbers, not ${count}`);
  return Array.from({ length: count }, (_, i) => start + i);
}

// --- what stands for the deployment on one machine --------------------------------------------------------------------

const nilGuid = '00000000-0000-0000-0000-000000000000';
const subscriptionScope = `/subscriptions/${nilGuid}`;
const groupScope = `${subscriptionScope}/resourceGroups/local`;

/** resourceId([subscriptionId], [resourceGroupName], type, name, …): the type is the first part with a slash. */
function resourceId(parts: readonly string[]): string {
  const at = parts.findIndex((part) => part.includes('/'));
  if (at < 0 || at > 2) throw new Error('needs a resource type');
  const [first, second] = parts;
  const subscriptionId = at === 2 ? first : nilGuid;
  const group = at === 0 ? 'local' : at === 1 ? first : second;
  const provider = providerPath(parts[at] as string, parts.slice(at + 1));
  return `/subscriptions/${subscriptionId}/resourceGroups/${group}${provider}`;
}

function providerPath(type: string, names: readonly string[]): string {
  const [provider, ...types] = type.split('/');
  if (types.length !== names.length) throw new Error(`${type} needs ${types.length} names, not ${names.length}`);
  return `/providers/${provider}${types.map((segment, i) => `/${segment}/${names[i]}`).join('')}`;
}

/**
 * 13 characters of a-z and 2-7 that depend on nothing but the arguments. Azure's own hash is not published; names of
 * namespaces and accounts play no part on one machine.
 */
function uniqueString(values: readonly string[]): string {
  if (values.length === 0) throw new Error('needs at least one string');
  const digest = createHash('sha256').update(JSON.stringify(values)).digest();
  return Array.from(digest.subarray(0, 13), (byte) => 'abcdefghijklmnopqrstuvwxyz234567'[byte & 31]).join('');
}

/** A UUID that depends on nothing but the arguments (RFC 9562 version 8). */
function guid(values: readonly string[]): string {
  if (values.length === 0) throw new Error('needs at least one string');
  const bytes = createHash('sha256').update(JSON.stringify(values)).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
