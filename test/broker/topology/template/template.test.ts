import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../../src/broker/topology/json.js';
import { evaluateTemplate } from '../../../../src/broker/topology/template/template.js';

const thing = (name: string, more: JsonObject = {}): JsonObject => ({ type: 'My.Test/things', name, ...more });
const names = (template: JsonObject, parameters: JsonObject = {}) =>
  evaluateTemplate({ resources: [], ...template } as Json, parameters).resources.map(({ name }) => name);
const code = (expected: string, path: string) =>
  expect.objectContaining({ code: expected, facts: expect.objectContaining({ path }) });

describe('parameters', () => {
  const template = {
    parameters: {
      prefix: { type: 'string', defaultValue: 'a', maxLength: 3 },
      name: { type: 'string', defaultValue: "[concat(parameters('prefix'), '-x')]" },
      count: { type: 'int', defaultValue: 2, minValue: 1, maxValue: 4 },
      tier: { type: 'string', defaultValue: 'Standard', allowedValues: ['Standard', 'Premium'] },
    },
    resources: [thing("[parameters('name')]", { size: "[parameters('count')]", tier: "[parameters('tier')]" })],
  };

  it('take what is given, else the default, which may refer to other parameters', () => {
    expect(names(template)).toEqual(['a-x']);
    expect(names(template, { PREFIX: 'b' })).toEqual(['b-x']);
  });

  it.each<[JsonObject, string]>([
    [{ count: 5 }, '$.parameters.count'],
    [{ count: 0 }, '$.parameters.count'],
    [{ count: '3' }, '$.parameters.count'],
    [{ prefix: 'long' }, '$.parameters.prefix'],
    [{ tier: 'Basic' }, '$.parameters.tier'],
    [{ other: 1 }, '$.parameters.other'],
  ])('refuse %j', (given, path) => {
    expect(() => names(template, given)).toThrow(code('PS_TOPOLOGY_PARAMETER', path));
  });

  it('without a default must be given', () => {
    const bare = { parameters: { name: { type: 'string' } }, resources: [thing("[parameters('name')]")] };
    expect(() => names(bare)).toThrow(code('PS_TOPOLOGY_PARAMETER', '$.parameters.name'));
    expect(names(bare, { name: 'given' })).toEqual(['given']);
  });
});

describe('variables', () => {
  it('may build on each other in any order, and be made by loops', () => {
    const variables = {
      a: "[concat(variables('b'), '!')]",
      b: 'x',
      copy: [{ name: 'many', count: 3, input: "[format('{0}{1}', variables('b'), copyIndex('many'))]" }],
    };
    expect(names({ variables, resources: [thing("[concat(variables('a'), string(variables('many')))]")] })).toEqual([
      'x!["x0","x1","x2"]',
    ]);
  });

  it('that go round in a circle are an error, not a stack overflow', () => {
    const variables = { a: "[variables('b')]", b: "[variables('a')]" };
    expect(() => names({ variables, resources: [thing("[variables('a')]")] })).toThrow(
      code('PS_TOPOLOGY_EXPRESSION', '$.variables.a'),
    );
  });
});

describe('resources', () => {
  it('repeat with a copy loop, and remember which', () => {
    const loop = thing("[format('t{0}', copyIndex(1))]", { copy: { name: 'ts', count: '[add(1, 2)]' } });
    const { resources } = evaluateTemplate({ resources: [loop] });
    expect(resources.map(({ name, loop }) => [name, loop])).toEqual([
      ['t1', 'ts'],
      ['t2', 'ts'],
      ['t3', 'ts'],
    ]);
  });

  it('may be none at all', () => {
    expect(names({ resources: [thing('x', { copy: { name: 'none', count: 0 } })] })).toEqual([]);
  });

  it('whose condition does not hold are left out, children and all', () => {
    const child = { type: 'parts', name: 'p' };
    const off = thing('off', { condition: '[equals(1, 2)]', resources: [child] });
    const on = thing('on', { condition: true, resources: [child] });
    expect(names({ resources: [off, on] })).toEqual(['on', 'on/p']);
  });

  it('have nested children under their full type and name', () => {
    const tree = thing('a', { resources: [{ type: 'parts', name: 'b', resources: [{ type: 'bits', name: 'c' }] }] });
    const { resources } = evaluateTemplate({ resources: [tree] });
    expect(resources.map(({ type, name, path }) => [type, name, path])).toEqual([
      ['My.Test/things', 'a', '$.resources[0]'],
      ['My.Test/things/parts', 'a/b', '$.resources[0].resources[0]'],
      ['My.Test/things/parts/bits', 'a/b/c', '$.resources[0].resources[0].resources[0]'],
    ]);
  });

  it('may loop over properties', () => {
    const looped = thing('a', {
      properties: { copy: [{ name: 'disks', count: 2, input: { lun: "[copyIndex('disks')]" } }], kept: true },
    });
    const { resources } = evaluateTemplate({ resources: [looped] });
    expect(resources[0]?.body['properties']).toEqual({ disks: [{ lun: 0 }, { lun: 1 }], kept: true });
  });

  it('that nobody asked for are not evaluated', () => {
    const foreign = { type: 'Other/things', name: "[reference('runtime').name]" };
    const { resources } = evaluateTemplate({ resources: [foreign, thing('a')] }, {}, (type) => type.startsWith('My.'));
    expect(resources.map(({ name }) => name)).toEqual(['a']);
  });

  it.each<[string, JsonObject, string]>([
    ['an unknown function', thing('[mystery()]'), '$.resources[0].name'],
    ['a loop of too many', thing('x', { copy: { name: 'l', count: 801 } }), '$.resources[0].copy.count'],
    ['a loop without a count', thing('x', { copy: { name: 'l' } }), '$.resources[0].copy'],
    ['a name that is no text', thing('[createArray()]'), '$.resources[0].name'],
    ['a type that is missing', { name: 'x' }, '$.resources[0].type'],
    [
      'a loop on a nested child',
      thing('x', { resources: [{ type: 'parts', name: 'p', copy: { name: 'l', count: 2 } }] }),
      '$.resources[0].resources[0].copy',
    ],
    [
      'a fault deep in its properties',
      thing('x', { properties: { a: [{ b: "[parameters('no')]" }] } }),
      '$.resources[0].properties.a[0].b',
    ],
  ])('with %s are refused by JSON path', (_what, resource, path) => {
    expect(() => names({ resources: [resource] })).toThrow(
      expect.objectContaining({ facts: expect.objectContaining({ path }) }),
    );
  });

  it('keep a property that is called __proto__ a property', () => {
    const odd = JSON.parse('{"type":"My.Test/things","name":"a","properties":{"__proto__":{"polluted":true}}}');
    const { resources } = evaluateTemplate({ resources: [odd] });
    expect(Object.hasOwn(resources[0]?.body['properties'] as object, '__proto__')).toBe(true);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe('outputs', () => {
  it('are evaluated when asked for, loops and conditions too', () => {
    const template = {
      parameters: { n: { type: 'int', defaultValue: 2 } },
      resources: [],
      outputs: {
        plain: { type: 'int', value: "[parameters('n')]" },
        many: { type: 'array', copy: { count: "[parameters('n')]", input: '[copyIndex()]' } },
        never: { type: 'string', condition: '[false()]', value: '[mystery()]' },
      },
    };
    expect(evaluateTemplate(template).outputs()).toEqual({ plain: 2, many: [0, 1] });
  });
});
