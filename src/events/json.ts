import { pointerToken, type Rejection, reject } from './rejection.js';

/** Characters that JSON text must escape, and surrogates, which may stand alone. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;

/** The JSON text of a string. `isPlain`: see escaped. */
export function quote(text: string, isPlain = false): string {
  return `"${escaped(text, isPlain)}"`;
}

/**
 * What stands between the quotes of a string's JSON text. Nearly all need no escape, and then this is twice as fast as
 * JSON.stringify. `isPlain` says that it is known to need none: see isPlainJson.
 */
export function escaped(text: string, isPlain: boolean): string {
  return isPlain || !NEEDS_ESCAPE.test(text) ? text : JSON.stringify(text).slice(1, -1);
}

/**
 * Whether no string in a JSON text needs an escape: without a backslash it cannot hold a quote, a control character or
 * half a surrogate pair (RFC 8259, section 7), if it was read from valid UTF-8.
 */
export function isPlainJson(json: string): boolean {
  return !json.includes('\\');
}

/**
 * One escape sequence of JSON text: a surrogate pair, half of one, or anything else after a backslash. Matching every
 * backslash with what follows keeps an escaped backslash from starting a sequence.
 */
const ESCAPES = /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)/gs;
const HALF_PAIR_LENGTH = 6;

/**
 * JSON text in which every escaped half of a surrogate pair is U+FFFD. Browsers produce such halves when they cut a
 * text inside an emoji; the rest of the event is sound, and no UTF-8 reader could take them.
 */
export function replaceLoneSurrogates(json: string): string {
  if (!json.includes('\\ud') && !json.includes('\\uD')) return json;
  return json.replace(ESCAPES, (sequence) => (sequence.length === HALF_PAIR_LENGTH ? '\\ufffd' : sequence));
}

/** Keys that mean something to JavaScript's objects; refused so that no consumer can be tricked by them. */
export function isForbiddenKey(key: string): boolean {
  return key === '__proto__' || key === 'constructor' || key === 'prototype';
}

/**
 * What is wrong inside a parsed value: a forbidden key, nesting beyond `depth` more levels, or a number that
 * overflowed. `path` is where the value itself is. The walk never goes deeper than `depth`.
 */
export function findFault(value: unknown, depth: number, path: string): Rejection | undefined {
  const fault = faultInside(value, depth);
  return fault && reject(fault.reason, path + fault.path);
}

/** The path of what is wrong begins at `value`; it is put together on the way back, so that what is sound costs none. */
function faultInside(value: unknown, depth: number): Rejection | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : reject('not_finite', '');
  if (value === null || typeof value !== 'object') return undefined;
  if (depth <= 0) return reject('too_deep', '');
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const fault = faultOfMember(value[index], depth, index);
      if (fault) return fault;
    }
    return undefined;
  }
  for (const key in value) {
    const fault = isForbiddenKey(key)
      ? reject('forbidden_key', pointerToken(key))
      : faultOfMember((value as Record<string, unknown>)[key], depth, key);
    if (fault) return fault;
  }
  return undefined;
}

/** Strings and small numbers are most of what there is: they cost no call. */
function faultOfMember(member: unknown, depth: number, key: string | number): Rejection | undefined {
  if (typeof member === 'string' || member === null || typeof member === 'boolean') return undefined;
  if (typeof member === 'number' && Number.isFinite(member)) return undefined;
  const fault = faultInside(member, depth - 1);
  return fault && reject(fault.reason, pointerToken(key) + fault.path);
}
