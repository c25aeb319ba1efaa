import { describe, expect, it } from 'vitest';
import { FilterError } from '../../../src/broker/filters/index.js';
import { message } from './message.js';
import { errorOf, holds, sql } from './sql.js';

describe('a wrong filter', () => {
  it.each([
    ['', 0],
    ['   ', 3],
    ['a', 0],
    ['a = ', 4],
    ['= 1', 0],
    ['a = 1 b = 2', 6],
    ['a = b = c', 0],
    ['(a = 1', 6],
    ['a = 1)', 5],
    ['a AND b = 1', 0],
    ['a + (b = 1) = 2', 4],
    ['NOT a', 4],
    ['a IN ()', 6],
    ['a IN (1,)', 8],
    ['a IN 1', 5],
    ['a NOT = 1', 6],
    ['a IS 1', 5],
    ['1 IS NULL', 0],
    ['a + 1 IS NULL', 0],
    ['EXISTS a', 7],
    ['EXISTS(1)', 7],
    ['other.a = 1', 0],
    ['[sys].a = 1', 0],
    ['sys. = 1', 5],
    ['sys.and = 1', 4],
    ["a = 'open", 4],
    ['[open = 1', 0],
    ['[] = 1', 0],
    ['a = 1x', 5],
    ['a = 1..2', 5],
    ['a = #', 4],
    ['a == 1', 3],
    ['a = 9223372036854775808', 4],
    ['a = -9223372036854775809', 5],
    ['a = 1E999', 4],
    ['and = 1', 0],
    ['func(a) = 1', 0],
    ['newid(1) = 1', 6],
    ['a = 1; DROP TABLE x', 5],
    ['SET a = 1', 4],
  ])('is refused with the position: %s', (expression, position) => {
    expect([expression, errorOf(expression)]).toMatchObject([expression, { code: 'PS_FILTER_SYNTAX', position }]);
  });

  it('is refused beyond 1024 characters', () => {
    const fits = `a = '${'x'.repeat(1018)}'`;
    expect(fits).toHaveLength(1024);
    expect(() => sql(fits)).not.toThrow();
    expect(errorOf(`${fits} `)).toMatchObject({ code: 'PS_FILTER_LIMIT' });
  });

  it('is refused when it is nested too deeply, and not when it is only long', () => {
    for (const [open, close] of [
      ['(', ')'],
      ['NOT ', ''],
      ['NOT (', ')'],
    ] as const) {
      expect(errorOf(`${open.repeat(150)}a = 1${close.repeat(150)}`)).toMatchObject({ code: 'PS_FILTER_LIMIT' });
    }
    expect(errorOf(`a = ${'- '.repeat(200)}b`)).toMatchObject({ code: 'PS_FILTER_LIMIT' });
    expect(() => sql(Array.from({ length: 100 }, () => 'a = 1').join(' OR '))).not.toThrow();
    expect(sql(`i = ${Array.from({ length: 400 }, () => '1').join('+')}`)(message({ i: 400n }))).toBe(true);
  });

  it('is refused for an ESCAPE that is not one character, when it is evaluated', () => {
    expect(() => holds("s LIKE 'a' ESCAPE 'ab'")).toThrowError(FilterError);
    expect(() => holds("s LIKE 'a' ESCAPE ''")).toThrowError(FilterError);
    expect(() => holds("s LIKE 'a!' ESCAPE '!'")).toThrowError(FilterError);
  });
});
