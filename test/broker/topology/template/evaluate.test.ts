import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TopologyError } from '../../../../src/broker/topology/errors.js';
import type { JsonObject } from '../../../../src/broker/topology/json.js';
import { evaluateString, type Scope } from '../../../../src/broker/topology/template/evaluate.js';

const values: JsonObject = {
  name: 'penstock',
  count: 3,
  on: true,
  list: ['a', 'b'],
  map: { b: { x: 2 }, a: { x: 1 } },
};
const scope: Scope = {
  parameter: (name) => values[name],
  variable: (name) => values[name],
  copyIndex: (loop) => (loop === undefined || loop === 'rules' ? 2 : undefined),
};
const value = (text: string) => evaluateString(text, scope);

describe('a string of a template', () => {
  it('is itself unless it stands in brackets', () => {
    expect(value('plain')).toBe('plain');
    expect(value('[[literal]')).toBe('[literal]');
    expect(value("[concat('a', 'b')]")).toBe('ab');
    expect(value('[not closed')).toBe('[not closed');
  });

  it.each<[string, unknown]>([
    ["[parameters('name')]", 'penstock'],
    ["[VARIABLES('count')]", 3],
    ["[parameters('map').b.x]", 2],
    ["[parameters('list')[1]]", 'b'],
    ["[parameters('map')['a']['x']]", 1],
    ['[copyIndex()]', 2],
    ['[copyIndex(10)]', 12],
    ["[copyIndex('rules', -1)]", 1],
    ["[ 'it''s' ]", "it's"],
    ['[-5]', -5],
  ])('%s reads what is in scope', (text, expected) => {
    expect(value(text)).toEqual(expected);
  });

  it.each<[string, unknown]>([
    ["[format('{0}/{1}/{0}', 'a', 3)]", 'a/3/a'],
    ["[format('{{{0}}}', true())]", '{True}'],
    ["[replace('a.b.c', '.', '$&')]", 'a$&b$&c'],
    ["[toLower(toUpper('aB'))]", 'ab'],
    ["[substring('abcdef', 1, 3)]", 'bcd'],
    ["[join(split('a,b', ','), '-')]", 'a-b'],
    ["[padLeft('7', 3, '0')]", '007'],
    ["[startsWith('Abc', 'aB')]", true],
    ["[indexOf('abcB', 'B')]", 1],
    ["[string(createObject('a', createArray(1, null())))]", '{"a":[1,null]}'],
    ["[concat(createArray(1), createArray('b'))]", [1, 'b']],
    ['[union(createArray(1, 2), createArray(2, 3))]', [1, 2, 3]],
    ['[union(json(\'{"a":{"b":1}}\'), json(\'{"a":{"c":2}}\'))]', { a: { b: 1, c: 2 } }],
    ['[intersection(createArray(1, 2), createArray(2, 3))]', [2]],
    ["[items(parameters('map'))[0].key]", 'a'],
    ['[range(3, 2)]', [3, 4]],
    ["[length(parameters('map'))]", 2],
    ["[empty('')]", true],
    ["[first('abc')]", 'a'],
    ['[last(createArray(1, 2))]', 2],
    ["[take('abc', 2)]", 'ab'],
    ['[skip(createArray(1, 2), 1)]', [2]],
    ["[contains(parameters('list'), 'b')]", true],
    ["[contains(parameters('map'), 'B')]", true],
    ["[if(equals(parameters('count'), 3), 'yes', 'no')]", 'yes'],
    ["[and(parameters('on'), not(false()))]", true],
    ["[or(false(), greater(2, 3), lessOrEquals('a', 'b'))]", true],
    ["[coalesce(null(), 'x')]", 'x'],
    ["[int('42')]", 42],
    ["[bool('TRUE')]", true],
    ['[add(mul(2, 3), sub(div(7, 2), mod(7, 4)))]', 6],
    ['[max(createArray(1, 5, 2))]', 5],
    ['[min(4, 2)]', 2],
    [
      "[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'r')]",
      '/subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.Authorization/roleDefinitions/r',
    ],
    [
      "[resourceId('other', 'Microsoft.ServiceBus/namespaces/topics', 'ns', 't')]",
      '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/other/providers/Microsoft.ServiceBus/namespaces/ns/topics/t',
    ],
  ])('%s computes %j', (text, expected) => {
    expect(value(text)).toEqual(expected);
  });

  it('gives names that depend on nothing but their arguments', () => {
    expect(value("[uniqueString('a', 'b')]")).toMatch(/^[a-z2-7]{13}$/);
    expect(value("[uniqueString('a', 'b')]")).toBe(value("[uniqueString('a', 'b')]"));
    expect(value("[uniqueString('a', 'b')]")).not.toBe(value("[uniqueString('ab')]"));
    expect(value("[guid('a')]")).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('evaluates only the branch that is taken', () => {
    expect(value("[if(true(), 'fine', mystery())]")).toBe('fine');
    expect(value('[or(true(), mystery())]')).toBe(true);
  });
});

describe('a faulty expression', () => {
  const errorOf = (text: string): TopologyError => {
    try {
      value(text);
    } catch (error) {
      if (error instanceof TopologyError) return error;
      throw error;
    }
    throw new Error(`${text} is no error`);
  };

  it('with an unknown function is named with its position', () => {
    const error = errorOf("[concat('a', listKeys('x'))]");
    expect(error.code).toBe('PS_TOPOLOGY_FUNCTION');
    expect(error.facts).toEqual({ expression: "concat('a', listKeys('x'))", position: 12 });
  });

  it.each([
    ['[concat(]', 7],
    ["[concat('a' 'b')]", 11],
    ["['open]", 0],
    ["[parameters('no')]", 0],
    ["[parameters('map').c]", 17],
    ["[parameters('list')[7]]", 18],
    ["[format('{1}', 'a')]", 0],
    ["[substring('ab', 1, 9)]", 0],
    ['[toLower(3)]', 0],
    ['[equals(1)]', 0],
    ['[div(1, 0)]', 0],
    ['[if(1, 2, 3)]', 3],
    ["[copyIndex('other')]", 0],
    ['[foo]', 3],
    ['[]', 0],
    ["['a' ]]", 4],
    ["[parameters('map').constructor]", 17],
  ])('%s is refused at its position', (text, position) => {
    const error = errorOf(text);
    expect(error.code).toBe('PS_TOPOLOGY_EXPRESSION');
    expect(error.facts['position']).toBe(position);
  });

  it('that nests too deep is refused, not a stack overflow', () => {
    expect(errorOf(`[${'not('.repeat(7000)}true()${')'.repeat(7000)}]`).code).toBe('PS_TOPOLOGY_EXPRESSION');
    expect(errorOf(`[createArray()${'[0]'.repeat(5000)}]`).code).toBe('PS_TOPOLOGY_EXPRESSION');
    expect(errorOf(`['${'a'.repeat(30_000)}']`).code).toBe('PS_TOPOLOGY_EXPRESSION');
  });

  it('is a typed error whatever the text', () => {
    const piece = fc.constantFrom(
      'concat',
      '(',
      ')',
      "'a'",
      ',',
      '[',
      ']',
      '.',
      '1',
      ' ',
      "''",
      'if',
      'range',
      '-',
      '{0}',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        try {
          value(`[${pieces.join('')}]`);
        } catch (error) {
          expect(error).toBeInstanceOf(TopologyError);
        }
      }),
    );
  });
});

describe('string literals', () => {
  it('carry any text once their quotes are doubled', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(value(`['${text.replaceAll("'", "''")}']`)).toBe(text);
      }),
    );
  });
});
