/** A JSON object that a client sent. */
export type Fields = Readonly<Record<string, unknown>>;

/** The value, when it is an object with fields; else undefined. */
export function fieldsOf(value: unknown): Fields | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Fields) : undefined;
}

/** The value, when it is text that says something; else undefined. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The first of the values under `keys` that is there. */
export function firstOf(fields: Fields | undefined, ...keys: readonly string[]): unknown {
  if (fields === undefined) return undefined;
  for (const key of keys) {
    const value = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (value !== undefined && value !== null) return value;
  }
  return undefined;
}

/** Sets a field under a name that a client chose: assigned, `__proto__` would vanish before anybody could refuse it. */
export function setField(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

/** The parameters of a query or a form. Of one that stands twice the last one counts, as in PHP. */
export function paramsOf(text: string): Fields {
  const params: Record<string, unknown> = {};
  for (const [name, value] of new URLSearchParams(text)) setField(params, name, value);
  return params;
}

const NUMBER = /^[+-]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})$/;

/** A number, or text that is one; anything else stays what it is, for the pipeline to judge. */
export function numberOf(value: unknown): unknown {
  return typeof value === 'string' && NUMBER.test(value) ? Number(value) : value;
}

/** Without the fields that are undefined or null; undefined when none is left. */
export function compact(fields: Fields): Record<string, unknown> | undefined {
  let kept: Record<string, unknown> | undefined;
  for (const key of Object.keys(fields)) {
    const value = fields[key];
    if (value === undefined || value === null) continue;
    kept ??= {};
    setField(kept, key, value);
  }
  return kept;
}

/** Text that was percent-encoded. Some senders leave a percent sign as it is: then all of it stays so. */
export function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
