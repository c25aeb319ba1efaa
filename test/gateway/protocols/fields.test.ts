import { describe, expect, it } from 'vitest';
import { compact, fieldsOf, firstOf, numberOf, setField, textOf } from '../../../src/gateway/protocols/fields.js';

describe('reading what foreign clients send', () => {
  it('an object is told from everything else', () => {
    expect([{}, [], null, 'a', 5, undefined].map((value) => fieldsOf(value) !== undefined)).toEqual([
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
    expect([textOf('a'), textOf(''), textOf(5)]).toEqual(['a', undefined, undefined]);
  });

  it('the first field that is there counts, and only own ones', () => {
    expect(firstOf({ a: null, b: 0, c: 1 }, 'a', 'b', 'c')).toBe(0);
    expect(firstOf({}, 'constructor', 'toString')).toBeUndefined();
    expect(firstOf(undefined, 'a')).toBeUndefined();
  });

  it('text that is a number becomes one, and anything else stays for the pipeline to judge', () => {
    expect(['12.50', '-3', '.5', '7.', '', 'NaN', '0x10', '1e3', '1'.repeat(60), 5, null].map(numberOf)).toEqual([
      12.5,
      -3,
      0.5,
      7,
      '',
      'NaN',
      '0x10',
      '1e3',
      '1'.repeat(60),
      5,
      null,
    ]);
  });

  it('no key that a client chose is lost, whatever it means to JavaScript', () => {
    const target = {};
    setField(target, '__proto__', { polluted: true });
    expect(Object.keys(target)).toEqual(['__proto__']);
    expect(compact(JSON.parse('{"__proto__":1,"a":null,"b":false}'))).toEqual(JSON.parse('{"__proto__":1,"b":false}'));
    expect(compact({ a: undefined, b: null })).toBeUndefined();
  });
});
