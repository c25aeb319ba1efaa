/** Codes of refused requests, as clients read them. The list is closed; docs/errors.md lists it. */
const catalogue = {
  PS_BODY_EMPTY: [400, 'The request has no body'],
  PS_BODY_NOT_JSON: [400, 'The body is not JSON'],
  PS_BODY_NOT_UTF8: [400, 'The body is not UTF-8'],
  PS_BODY_NOT_EVENTS: [400, 'The body holds no events'],
  PS_BODY_ENCODING_BROKEN: [400, 'The body cannot be decompressed'],
  PS_REQUEST_INVALID: [400, 'The request is not valid'],
  PS_WRITE_KEY_MISSING: [401, 'A write key is required'],
  PS_WRITE_KEY_UNKNOWN: [401, 'The write key is unknown'],
  PS_ORIGIN_NOT_ALLOWED: [403, 'This site may not use this write key'],
  PS_SIGNATURE_INVALID: [401, 'The signature is not valid'],
  PS_WEBHOOK_TOO_OLD: [400, 'The webhook is too old'],
  PS_NOT_FOUND: [404, 'There is nothing here'],
  PS_METHOD_NOT_ALLOWED: [405, 'The method is not allowed here'],
  PS_REQUEST_TIMEOUT: [408, 'The request took too long to arrive'],
  PS_BODY_TOO_LARGE: [413, 'The body is too large'],
  PS_TOO_MANY_EVENTS: [413, 'The body holds too many events'],
  PS_ENCODING_UNSUPPORTED: [415, 'The content encoding is not supported'],
  PS_OVERLOADED: [429, 'Too much is waiting for the brokers'],
  PS_RATE_LIMITED: [429, 'Too many events at once'],
  PS_HEADERS_TOO_LARGE: [431, 'The headers are too large'],
  PS_INTERNAL: [500, 'Something went wrong here'],
  PS_BROKER_UNAVAILABLE: [503, 'The broker cannot be reached'],
  PS_BROKER_TIMEOUT: [503, 'The broker did not answer in time'],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type ProblemCode = keyof typeof catalogue;

export const PROBLEM_CONTENT_TYPE = 'application/problem+json; charset=utf-8';

/** A refused request: RFC 9457 problem details with `code`. A class, to tell it from results. */
export class Problem {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ProblemCode, detail: string, retryAfterSeconds?: number) {
    this.code = code;
    this.detail = detail;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  get status(): number {
    return catalogue[this.code][0];
  }

  toJson(): string {
    const [status, title] = catalogue[this.code];
    const type = `urn:penstock:problem:${this.code.slice(3).toLowerCase().replaceAll('_', '-')}`;
    return JSON.stringify({ type, title, status, detail: this.detail, code: this.code });
  }
}

export const problemCodes = Object.keys(catalogue) as readonly ProblemCode[];
