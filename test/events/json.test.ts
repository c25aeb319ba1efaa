import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findFault, isPlainJson, quote, replaceLoneSurrogates } from '../../src/events/json.js';

const anyText = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) });

describe('quote', () => {
  it('writes what JSON.stringify writes', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(quote(text)).toBe(JSON.stringify(text));
      }),
    );
  });
});

describe('isPlainJson', () => {
  it('is true only where every string can be written without an escape', () => {
    const wellFormed = anyText.map((text) => Buffer.from(text, 'utf8').toString('utf8'));
    fc.assert(
      fc.property(wellFormed, (text) => {
        const json = JSON.stringify({ text });
        if (isPlainJson(json)) expect(quote(text, true)).toBe(JSON.stringify(text));
        else expect(JSON.stringify(text)).toContain('\\');
      }),
    );
    expect(isPlainJson('{"a":"é 👟"}')).toBe(true);
    expect(isPlainJson('{"a":"\\u0041"}')).toBe(false);
  });
});

describe('replaceLoneSurrogates', () => {
  it('leaves no lone half in any text, and everything else as it was', () => {
    const escaped = (text: string) =>
      `"${[...Array(text.length).keys()].map((at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`;
    fc.assert(
      fc.property(anyText, (text) => {
        const wellFormed = Buffer.from(text, 'utf8').toString('utf8');
        expect(JSON.parse(replaceLoneSurrogates(escaped(text)))).toBe(wellFormed);
        // Unescaped text has no halves that are escaped, so nothing is to be replaced in it.
        const plain = JSON.stringify(wellFormed);
        expect(replaceLoneSurrogates(plain)).toBe(plain);
      }),
    );
  });

  it('an escaped backslash before "ud83d" is no surrogate', () => {
    expect(JSON.parse(replaceLoneSurrogates('"\\\\ud83d \\ud83d"'))).toBe('\\ud83d \ufffd');
  });
});

describe('findFault', () => {
  it.each([
    [{ a: { b: [1, { __proto__x: 1 }] } }, undefined],
    [JSON.parse('{"a":[{"__proto__":1}]}'), { reason: 'forbidden_key', path: '/p/a/0/__proto__' }],
    [JSON.parse('{"x/y~":{"constructor":1}}'), { reason: 'forbidden_key', path: '/p/x~1y~0/constructor' }],
    [{ prototype: {} }, { reason: 'forbidden_key', path: '/p/prototype' }],
    [JSON.parse('{"a":[1,1e999]}'), { reason: 'not_finite', path: '/p/a/1' }],
    [JSON.parse('{"a":-1e999}'), { reason: 'not_finite', path: '/p/a' }],
  ])('%j', (value, fault) => {
    expect(findFault(value, 8, '/p')).toEqual(fault);
  });

  it('nesting is allowed up to the limit and no further', () => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) });
    expect(findFault(nested(5), 5, '')).toBeUndefined();
    expect(findFault(nested(6), 5, '')).toEqual({ reason: 'too_deep', path: '/a/a/a/a/a' });
  });

  it('a bomb of a million levels costs no more than the limit', () => {
    const bomb: unknown = JSON.parse('['.repeat(1_000_000) + ']'.repeat(1_000_000));
    expect(findFault(bomb, 16, '')).toMatchObject({ reason: 'too_deep' });
  });
});
