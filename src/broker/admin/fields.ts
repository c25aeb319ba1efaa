import { parseDuration } from '../topology/duration.js';
import { AdminError, badRequest } from './errors.js';
import { childOf, type Element } from './xml.js';

/** Typed access to the fields of a description. An absent or empty field has the fallback. */
export interface Fields {
  text(name: string): string | undefined;
  /** The text as it stands, `''` for an empty field, undefined for an absent one. */
  given(name: string): string | undefined;
  /** One of the values, in whatever case. */
  oneOf<Value extends string>(name: string, values: readonly Value[], fallback: Value): Value;
  boolean(name: string, fallback: boolean): boolean;
  integer(name: string, fallback: number): number;
  /** ISO 8601; milliseconds. */
  durationMs(name: string, fallbackMs: number): number;
  /** `ForwardTo` and the like: the entity's path, whether it came as such or as an absolute URL. */
  entityPath(name: string): string | undefined;
  /** Refuses the field unless it is absent, empty, or one of the values (any case) that the embedded broker lives up to. */
  only(name: string, ...values: readonly string[]): void;
}

/** No name, number or duration is longer. */
const MAX_LENGTH = 1024;

export function createFields(description: Element): Fields {
  const wrong = (name: string, wants: string) =>
    badRequest(`The value of ${description.name}.${name} is not ${wants}.`);
  const text = (name: string) => {
    const value = childOf(description, name)?.text.trim();
    if (value !== undefined && value.length > MAX_LENGTH) throw wrong(name, 'short enough');
    return value === '' ? undefined : value;
  };
  return {
    text,
    given: (name) => childOf(description, name)?.text,
    oneOf(name, values, fallback) {
      const value = text(name)?.toLowerCase();
      if (value === undefined) return fallback;
      const known = values.find((one) => one.toLowerCase() === value);
      if (known === undefined) throw wrong(name, `one of ${values.join(', ')}`);
      return known;
    },
    boolean(name, fallback) {
      const value = text(name)?.toLowerCase();
      if (value === undefined) return fallback;
      if (value !== 'true' && value !== 'false') throw wrong(name, 'true or false');
      return value === 'true';
    },
    integer(name, fallback) {
      const value = text(name);
      if (value === undefined) return fallback;
      if (!/^-?\d{1,15}$/.test(value)) throw wrong(name, 'an integer');
      return Number(value);
    },
    durationMs(name, fallbackMs) {
      const value = text(name);
      if (value === undefined) return fallbackMs;
      const ms = parseDuration(value);
      if (ms === undefined) throw wrong(name, 'an ISO 8601 duration');
      return ms;
    },
    entityPath(name) {
      // A run of slashes is tried once, from its beginning: from each of them would take quadratic time.
      const path = text(name)
        ?.replace(/^[a-z]{1,10}:\/\/[^/]*\//i, '')
        .replace(/(?<!\/)\/+$/, '');
      return path === '' ? undefined : path;
    },
    only(name, ...values) {
      const element = childOf(description, name);
      if (!element || (element.children.length === 0 && element.text.trim() === '')) return;
      const value = element.text.trim();
      if (values.some((allowed) => allowed.toLowerCase() === value.toLowerCase())) return;
      const shown = element.children.length > 0 ? 'given' : value;
      throw new AdminError('PS_ADMIN_UNSUPPORTED', `The embedded broker does not have ${name} ${shown}.`);
    },
  };
}
