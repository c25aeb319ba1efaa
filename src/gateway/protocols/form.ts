import { parseJson } from '../pipeline/parse.js';
import { Problem } from '../problem.js';
import { textOf } from './fields.js';
import { decodeLz64 } from './lz64.js';
import type { MappedEvents, RequestHead } from './protocol.js';

/** JSON as browser libraries wrap it: as it is, or as `data=` of a form or query, in base64 or LZString's. */

/** Most characters that a packed body may unpack to. */
const MAX_UNPACKED_LENGTH = 4 * 1024 * 1024;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const WHITE_SPACE: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);

export interface WrappedJson {
  readonly value: unknown;
  readonly isPlain: boolean;
  /** The other fields of the form that it came in. */
  readonly form: URLSearchParams;
}

const NO_FORM = new URLSearchParams();

/** What becomes of the JSON of a request. */
export type JsonMapper = (request: RequestHead, json: WrappedJson) => MappedEvents | Problem;

/** A route's `map` over JSON, however it is wrapped. */
export function mapJson(map: JsonMapper): (request: RequestHead, body: Buffer) => MappedEvents | Problem {
  return (request, body) => {
    const json = unwrapJson(request, body);
    return json instanceof Problem ? json : map(request, json);
  };
}

/** The JSON of a request, however it is wrapped. */
export function unwrapJson({ query }: RequestHead, body: Buffer): WrappedJson | Problem {
  if (looksLikeJson(body)) return readJson(body, NO_FORM);
  const form = body.length === 0 ? NO_FORM : new URLSearchParams(body.toString('utf8'));
  const data = form.get('data') ?? textOf(query['data']);
  if (data === undefined) {
    return body.length === 0
      ? new Problem('PS_BODY_EMPTY', 'Send events as JSON')
      : new Problem('PS_BODY_NOT_JSON', 'Send JSON, or a form with JSON in `data`');
  }
  const compression = form.get('compression') ?? textOf(query['compression']);
  const bytes = unpack(data, compression);
  return bytes === undefined
    ? new Problem('PS_BODY_ENCODING_BROKEN', '`data` is not what `compression` says')
    : readJson(bytes, form);
}

function unpack(data: string, compression: string | undefined): Buffer | undefined {
  // Some senders leave the plus signs of base64 as they are, which in a form are spaces.
  const packed = data.replaceAll(' ', '+');
  if (compression === 'lz64') {
    const text = decodeLz64(packed, MAX_UNPACKED_LENGTH);
    return text === undefined ? undefined : Buffer.from(text, 'utf8');
  }
  const bytes = Buffer.from(data, 'utf8');
  return looksLikeJson(bytes) ? bytes : Buffer.from(packed, 'base64');
}

function readJson(bytes: Buffer, form: URLSearchParams): WrappedJson | Problem {
  const parsed = parseJson(bytes);
  return parsed instanceof Problem ? parsed : { ...parsed, form };
}

/** Whatever its content type says. */
export function looksLikeJson(bytes: Buffer): boolean {
  const first = bytes.find((byte) => !WHITE_SPACE.has(byte));
  return first === OPEN_BRACE || first === OPEN_BRACKET;
}
