import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isObject, type Json, type JsonObject } from '../../../src/broker/topology/json.js';
import { environmentVariables } from '../../../src/shared/config/index.js';
import { readTemplate } from './template.js';

/*
 * The rules of Azure's own template checker that bear on this template
 * (https://learn.microsoft.com/azure/azure-resource-manager/templates/template-test-cases).
 */

const template = readTemplate();
const text = readFileSync('infra/arm/main.json', 'utf8');
const parameters = template['parameters'] as Record<string, JsonObject>;
const variables = template['variables'] as JsonObject;
const resources = template['resources'] as readonly JsonObject[];
const outputs = template['outputs'] as Record<string, JsonObject>;

/** Every string in a value, with the key that it stands under. */
function strings(value: Json | undefined, key = ''): readonly (readonly [string, string])[] {
  if (typeof value === 'string') return [[key, value]];
  if (Array.isArray(value)) return value.flatMap((item: Json) => strings(item, key));
  return isObject(value) ? Object.entries(value).flatMap(([name, item]) => strings(item, name)) : [];
}
const expressions = strings(template)
  .map(([, value]) => value)
  .filter((value) => /^\[[^[]/.test(value));

describe('the template', () => {
  it('names the schema and a content version', () => {
    expect(template['$schema']).toBe('https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#');
    expect(template['contentVersion']).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    expect(Object.keys(template).sort()).toEqual(
      ['$schema', 'contentVersion', 'metadata', 'outputs', 'parameters', 'resources', 'variables'].sort(),
    );
  });

  it('is plain JSON, so that every tool reads it', () => {
    expect(() => JSON.parse(text)).not.toThrow();
  });

  it('has no blank values in its resources', () => {
    expect(JSON.stringify(resources)).not.toMatch(/:(?:""|\{\}|\[\]|null)/);
  });

  it('hard-codes no endpoint of one cloud, no subscription and no time', () => {
    const all = JSON.stringify({ variables, resources, outputs });
    expect(all).not.toMatch(/core\.windows\.net|management\.azure\.com|management\.core/);
    expect(all).not.toMatch(/\/subscriptions\/[0-9a-f]/);
    expect(all).not.toMatch(/utcNow|newGuid/i);
  });

  it('stays within the limits of Resource Manager', () => {
    expect(Object.keys(parameters).length).toBeLessThanOrEqual(256);
    expect(Object.keys(outputs).length).toBeLessThanOrEqual(64);
    expect(Buffer.byteLength(text)).toBeLessThan(4 * 1024 * 1024);
  });
});

describe.each(Object.entries(parameters))('parameter %s', (name, declaration) => {
  it('says what it is', () => {
    expect((declaration['metadata'] as JsonObject)['description']).toMatch(/^[A-Z].{10,}\.$/);
  });

  it('is used', () => {
    expect(expressions.some((expression) => expression.includes(`parameters('${name}')`))).toBe(true);
  });

  it('has a default, so that the template deploys as it is', () => {
    expect(declaration['defaultValue']).toBeDefined();
  });

  it('has bounds when it is a number, and no default when it is a secret', () => {
    if (declaration['type'] === 'int')
      expect(Object.keys(declaration)).toEqual(expect.arrayContaining(['minValue', 'maxValue']));
    if (/^secure/i.test(String(declaration['type']))) expect(declaration['defaultValue']).toBeUndefined();
  });
});

describe('variables and names', () => {
  it.each(Object.keys(variables))('variable %s is used', (name) => {
    expect(expressions.some((expression) => expression.includes(`variables('${name}')`))).toBe(true);
  });

  it('refers only to parameters and variables that exist', () => {
    for (const expression of expressions) {
      for (const [, kind, name] of expression.matchAll(/(parameters|variables)\('([^']+)'\)/g))
        expect(Object.keys(kind === 'parameters' ? parameters : variables)).toContain(name);
    }
  });
});

describe('resources', () => {
  it('take their region from the parameter, which follows the resource group', () => {
    expect(parameters['location']?.['defaultValue']).toBe('[resourceGroup().location]');
    const locations = resources.map((resource) => resource['location']).filter((location) => location !== undefined);
    expect(locations.length).toBeGreaterThan(0);
    expect(new Set(locations)).toEqual(new Set(["[parameters('location')]"]));
  });

  it('write their API version as a stable one, not as an expression', () => {
    for (const resource of resources) expect(resource['apiVersion']).toMatch(/^20\d\d-\d\d-\d\d$/);
  });

  it('depend on others by resourceId()', () => {
    for (const resource of resources) {
      for (const [, dependency] of strings(resource['dependsOn'])) expect(dependency).toMatch(/^\[resourceId\('/);
    }
  });
});

describe('outputs', () => {
  it('hold no secrets', () => {
    expect(JSON.stringify(outputs)).not.toMatch(/list\w*\(|secret|password|connectionString|primaryKey/i);
  });

  it.each(Object.entries(outputs))('%s names the variable that it is for', (_name, output) => {
    const description = (output['metadata'] as JsonObject)['description'];
    expect(environmentVariables.map(({ name }) => name)).toContain(description);
  });
});
