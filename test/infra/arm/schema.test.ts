import { describe, expect, it } from 'vitest';
import { isObject, type Json, type JsonObject } from '../../../src/broker/topology/json.js';
import type { EvaluatedResource } from '../../../src/broker/topology/template/template.js';
import { checkResource } from './mapper-check.js';
import { evaluate, ofType, readTemplate, variants } from './template.js';

const problemsOf = (resources: readonly EvaluatedResource[]) =>
  resources.flatMap((resource) => checkResource(resource).map((problem) => `${resource.type}: ${problem}`));

describe.each(variants)('the template with %s', (_name, parameters) => {
  it('has only properties that Azure knows, of the types and values that Azure takes', () => {
    const { resources } = evaluate(parameters);
    expect(resources.length).toBeGreaterThan(15);
    expect(problemsOf(resources)).toEqual([]);
  });
});

/** Every place below `properties` of a resource, as a path of keys. */
function placesIn(value: Json, path: readonly string[] = []): readonly (readonly string[])[] {
  if (!isObject(value)) return [path];
  return [
    ...(path.length > 0 ? [path] : []),
    ...Object.keys(value).flatMap((key) => placesIn(value[key] as Json, [...path, key])),
  ];
}

/** A copy of a value in which the entry at a path is replaced by what `change` makes of it. */
function changed(
  value: JsonObject,
  [key = '', ...rest]: readonly string[],
  change: (key: string, item: Json) => JsonObject,
): JsonObject {
  const { [key]: item = null, ...others } = value;
  return {
    ...others,
    ...(rest.length === 0 ? change(key, item) : { [key]: changed(item as JsonObject, rest, change) }),
  };
}

/** Keys that are free: the application properties of a correlation filter, and tags. */
const isFree = (path: readonly string[]) => path.includes('correlationFilter') && path.at(-2) === 'properties';

describe('the check bites', () => {
  const { resources } = evaluate({ principalId: '11111111-2222-3333-4444-555555555555' });
  const places = resources.flatMap((resource) =>
    placesIn(resource.body['properties'] ?? {}).map((path) => ({
      resource,
      path: ['properties', ...path],
      label: `${resource.type} ${['properties', ...path].join('.')}`,
    })),
  );
  const one = new Map(places.map((place) => [place.label, place]));

  it('has places to bite', () => {
    expect(one.size).toBeGreaterThan(25);
  });

  it.each([...one.keys()])('on a misspelling of %s', (label) => {
    const { resource, path } = one.get(label) as (typeof places)[number];
    if (isFree(path)) return;
    const body = changed(resource.body, path, (key, item) => ({ [`${key}s`]: item }));
    expect(checkResource({ ...resource, body })).toContainEqual(expect.stringContaining('unknown property'));
  });

  it.each([...one.keys()])('on a value of the wrong type for %s', (label) => {
    const { resource, path } = one.get(label) as (typeof places)[number];
    const body = changed(resource.body, path, (key) => ({ [key]: [[]] }));
    expect(checkResource({ ...resource, body })).not.toEqual([]);
  });
});

describe('the check refuses', () => {
  const mutations: readonly (readonly [string, string, JsonObject, string])[] = [
    [
      'a duration of another format',
      'Microsoft.ServiceBus/namespaces/topics',
      { properties: { defaultMessageTimeToLive: '14d' } },
      'TimeSpan',
    ],
    [
      'a read-only property',
      'Microsoft.ServiceBus/namespaces/topics',
      { properties: { subscriptionCount: 4 } },
      'read-only',
    ],
    ['an unknown tier', 'Microsoft.ServiceBus/namespaces', { location: 'x', sku: { name: 'Free' } }, 'one of'],
    ['a missing tier', 'Microsoft.ServiceBus/namespaces', { location: 'x', sku: {} }, 'is missing'],
    ['a missing location', 'Microsoft.ServiceBus/namespaces', { sku: { name: 'Standard' } }, 'is missing'],
    [
      'a filter type that does not exist',
      'Microsoft.ServiceBus/namespaces/topics/subscriptions/rules',
      { properties: { filterType: 'TrueFilter' } },
      'one of',
    ],
    [
      'too few partitions',
      'Microsoft.EventHub/namespaces/eventhubs',
      { properties: { partitionCount: 0 } },
      'at least 1',
    ],
    [
      'a setting of another resource',
      'Microsoft.EventHub/namespaces/eventhubs/consumergroups',
      { properties: { partitionCount: 4 } },
      'unknown',
    ],
    ['a property beside `properties`', 'Microsoft.EventHub/namespaces/eventhubs', { partitionCount: 4 }, 'unknown'],
    ['another API version', 'Microsoft.EventHub/namespaces/eventhubs', { apiVersion: '2015-08-01' }, 'apiVersion'],
    ['an unknown type', 'Microsoft.EventHub/namespaces/hubs', {}, 'unknown resource type'],
  ];

  it.each(mutations)('%s', (_what, type, change, expected) => {
    const { apiVersion } = ofType(evaluate().resources, type)[0]?.body ?? {};
    const body = { ...(apiVersion === undefined ? {} : { apiVersion }), ...change };
    expect(checkResource({ type, name: 'x', path: '$', body })).toContainEqual(expect.stringContaining(expected));
  });

  it('a fault that only the evaluated template shows', () => {
    const template = readTemplate();
    const parameters = template['parameters'] as Record<string, JsonObject>;
    const changedTemplate = {
      ...template,
      parameters: { ...parameters, lockDuration: { ...parameters['lockDuration'], defaultValue: 'one minute' } },
    };
    expect(problemsOf(evaluate({}, changedTemplate as JsonObject).resources)).toHaveLength(5);
  });
});
