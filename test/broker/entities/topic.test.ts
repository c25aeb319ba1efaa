import { describe, expect, it } from 'vitest';
import { compileRouter } from '../../../src/broker/entities/index.js';
import type { FilterableMessage } from '../../../src/broker/filters/index.js';

const message = (properties: Record<string, string | number | bigint>): FilterableMessage => ({
  system: () => null,
  property: (name) => properties[name.toLowerCase()],
});

describe('the rules of a subscription', () => {
  it('make one copy however many of those without an action match, and one for each with an action', () => {
    const route = compileRouter([
      { name: 'all', filter: { kind: 'true' } },
      { name: 'also', filter: { kind: 'sql', expression: 'a = 1' } },
      { name: 'x', filter: { kind: 'true' }, action: 'SET b = 2' },
      { name: 'y', filter: { kind: 'sql', expression: 'a = 1' }, action: 'REMOVE a' },
      { name: 'z', filter: { kind: 'sql', expression: 'a = 2' }, action: 'SET b = 3' },
    ]);
    expect(route(message({ a: 1n }))).toEqual({
      kind: 'copies',
      copies: [
        { changes: [] },
        { ruleName: 'x', changes: [{ scope: 'user', name: 'b', value: 2n }] },
        { ruleName: 'y', changes: [{ scope: 'user', name: 'a', value: undefined }] },
      ],
    });
  });

  it('let nothing through when there are none', () => {
    expect(compileRouter([])(message({}))).toEqual({ kind: 'copies', copies: [] });
  });

  it('report a message that they cannot evaluate', () => {
    const route = compileRouter([{ name: 'r', filter: { kind: 'sql', expression: 'a / 0 = 1' } }]);
    expect(route(message({ a: 1n }))).toMatchObject({ kind: 'evaluation-error' });
  });
});
