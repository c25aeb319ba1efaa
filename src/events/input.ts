import { findFault, isForbiddenKey } from './json.js';
import { pointerToken, type Rejection, reject } from './rejection.js';

export type Fields = Readonly<Record<string, unknown>>;

/**
 * The fields of one native event as they were sent, sorted by what they mean. Absent and null are the same. What
 * Penstock does not know is in `extra` and becomes a property of the event: nothing that a client sends is thrown away.
 */
export interface NativeInput {
  type?: unknown;
  id?: unknown;
  /** `occurredAt`, or under its other names `time` and `timestamp`. */
  occurredAt?: unknown;
  occurredAtPath: string;
  sentAt?: unknown;
  anonymousId?: unknown;
  userId?: unknown;
  sessionId?: unknown;
  page?: unknown;
  properties?: unknown;
  context?: unknown;
  consent?: unknown;
  extra?: Record<string, unknown>;
}

/** Sorts the fields of a parsed value; refuses keys that no event may have. */
export function sortFields(raw: unknown): NativeInput | Rejection {
  if (raw === null || typeof raw !== 'object' || Array.isArray(raw)) return reject('not_an_object', '');
  const input: NativeInput = { occurredAtPath: '/occurredAt' };
  for (const key in raw) {
    const value = (raw as Fields)[key];
    if (value === null) continue;
    switch (key) {
      case 'type':
      case 'id':
      case 'occurredAt':
      case 'sentAt':
      case 'anonymousId':
      case 'userId':
      case 'sessionId':
      case 'page':
      case 'properties':
      case 'context':
      case 'consent':
        input[key] = value;
        break;
      default:
        if (isForbiddenKey(key)) return reject('forbidden_key', pointerToken(key));
        input.extra ??= {};
        input.extra[key] = value;
    }
  }
  if (input.extra !== undefined && input.occurredAt === undefined) takeTimeAlias(input, input.extra);
  return input;
}

function takeTimeAlias(input: NativeInput, extra: Record<string, unknown>): void {
  for (const name of ['time', 'timestamp']) {
    if (extra[name] === undefined) continue;
    input.occurredAt = extra[name];
    input.occurredAtPath = `/${name}`;
    delete extra[name];
    return;
  }
}

/** A text field: undefined when absent or empty. */
export function readText(value: unknown, maxLength: number, path: string): string | undefined | Rejection {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') return reject('invalid_type', path);
  return value.length > maxLength ? reject('too_long', path) : value;
}

/** An identifier: text, or a whole number that JavaScript can hold exactly, which becomes text. */
export function readIdentifier(value: unknown, maxLength: number, path: string): string | undefined | Rejection {
  if (typeof value !== 'number') return readText(value, maxLength, path);
  return Number.isSafeInteger(value) ? String(value) : reject('out_of_range', path);
}

/** An object of fields, sound all through: see findFault. `depth` counts the levels that it may have. */
export function readFields(value: unknown, depth: number, path: string): Fields | undefined | Rejection {
  if (value === undefined) return undefined;
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return reject('invalid_type', path);
  return findFault(value, depth, path) ?? (value as Fields);
}

/**
 * Keeps a field of `page` or `context` that Penstock does not know, as the property `<container>_<key>`. `depth` counts
 * the levels that its value may have.
 */
export function keepField(
  input: NativeInput,
  container: 'page' | 'context',
  key: string,
  value: unknown,
  depth: number,
): Rejection | undefined {
  const path = `/${container}${pointerToken(key)}`;
  if (isForbiddenKey(key)) return reject('forbidden_key', path);
  input.extra ??= {};
  input.extra[`${container}_${key}`] = value;
  return findFault(value, depth, path);
}
