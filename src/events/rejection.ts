/** Why an event was refused, as a client reads it in the answer. The list is closed; docs list it. */
export type RejectionReason =
  /** The event is not a JSON object. */
  | 'not_an_object'
  /** A line of NDJSON is not JSON. */
  | 'invalid_json'
  /** A line of NDJSON is not UTF-8. */
  | 'invalid_utf8'
  /** A field that this type of event needs is missing. */
  | 'required'
  /** A field has the wrong JSON type. */
  | 'invalid_type'
  /** A field has the right type, but not a legal value. */
  | 'invalid_format'
  | 'out_of_range'
  | 'too_long'
  /** `__proto__`, `constructor` or `prototype` as a key. */
  | 'forbidden_key'
  | 'too_deep'
  /** A number beyond what JSON consumers can hold, such as 1e999. */
  | 'not_finite'
  /** The event alone is larger than the limit, or than the broker takes. */
  | 'too_large'
  /** The write key may not send this type. */
  | 'type_not_allowed'
  /** No routing rule matches the type. */
  | 'no_route';

/**
 * What is wrong with one event, and where: `path` is a JSON pointer (RFC 6901) into the event as it was sent. A class,
 * so that it is never mistaken for a client's object with the same keys.
 */
export class Rejection {
  readonly reason: RejectionReason;
  readonly path: string;
  /** As its client knows the event, where nothing else is left of it. */
  readonly id: unknown;

  constructor(reason: RejectionReason, path: string, id?: unknown) {
    this.reason = reason;
    this.path = path;
    this.id = id;
  }
}

export function reject(reason: RejectionReason, path: string, id?: unknown): Rejection {
  return new Rejection(reason, path, id);
}

/** One reference token of a JSON pointer, escaped and bounded: keys come from clients. */
export function pointerToken(key: string | number): string {
  const text = String(key);
  const bounded = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  return `/${bounded.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
