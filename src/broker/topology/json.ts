import { withoutByteOrderMark } from '../../shared/byte-order-mark.js';
import { messageOf } from '../../shared/errors.js';
import { TopologyError } from './errors.js';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

export function isObject(value: unknown): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** What a value is called in messages. */
export function kindOf(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}

/** An own property, whatever its case: names are case-insensitive in Azure Resource Manager. */
export function lookUp(object: JsonObject, name: string): Json | undefined {
  if (Object.hasOwn(object, name)) return object[name];
  const lower = name.toLowerCase();
  const key = Object.keys(object).find((candidate) => candidate.toLowerCase() === lower);
  return key === undefined ? undefined : object[key];
}

/** Member of a JSON path: `.name`, or `['odd name']`. */
export function pathTo(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  return /^[A-Za-z_$][\w$-]*$/.test(key) ? `${path}.${key}` : `${path}['${key}']`;
}

/**
 * Parses JSON that may hold comments (`//` and `/* *\/`), as ARM templates and the emulators' files do.
 * @throws TopologyError PS_TOPOLOGY_UNREADABLE
 */
export function parseJsonWithComments(text: string): Json {
  try {
    return JSON.parse(blankComments(withoutByteOrderMark(text))) as Json;
  } catch (cause) {
    throw new TopologyError('PS_TOPOLOGY_UNREADABLE', `not JSON: ${messageOf(cause)}`, { cause });
  }
}

/** Replaces comments by spaces, so that positions in messages stay true. */
function blankComments(text: string): string {
  let out = '';
  let from = 0;
  for (let at = 0; at < text.length; ) {
    const char = text[at];
    if (char === '"') {
      at = endOfString(text, at);
    } else if (char === '/' && (text[at + 1] === '/' || text[at + 1] === '*')) {
      const end = endOfComment(text, at);
      out += text.slice(from, at) + text.slice(at, end).replace(/[^\r\n]/g, ' ');
      at = from = end;
    } else {
      at++;
    }
  }
  return out + text.slice(from);
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

function endOfComment(text: string, start: number): number {
  const closing = text[start + 1] === '/' ? '\n' : '*/';
  const end = text.indexOf(closing, start + 2);
  if (end === -1) return text.length;
  return closing === '\n' ? end : end + closing.length;
}
