import { isUtf8 } from 'node:buffer';
import { isPlainJson, Rejection, reject, replaceLoneSurrogates } from '../../events/index.js';
import { messageOf } from '../../shared/errors.js';
import { Problem } from '../problem.js';

/** The events of a body, in order: parsed values not yet judged, or what was wrong with their line. */
export interface ParsedBody {
  readonly items: readonly (unknown | Rejection)[];
  /** `sentAt` beside `events`: for those that have none of their own. */
  readonly sentAt?: unknown;
  /** No string in it needs an escape: see isPlainJson. */
  readonly isPlain?: boolean;
  /** It is known that every character of it is one byte of UTF-8. */
  readonly isAscii?: boolean;
}

export interface ParseOptions {
  readonly eventsPerRequest: number;
}

function tooManyEvents({ eventsPerRequest }: ParseOptions): Problem {
  return new Problem('PS_TOO_MANY_EVENTS', `At most ${eventsPerRequest} events in one request: send them in parts`);
}

const NDJSON = /^application\/(?:x-ndjson|ndjson|jsonl|x-jsonlines)\b/i;
const NEWLINE = 0x0a;

/**
 * One event, an array, `{events: […]}`, or NDJSON. Content types are hardly to be trusted (beacons are text/plain), so
 * JSON is taken under any; a body that is no JSON but whose first line is one, is NDJSON.
 */
export function createParse(options: ParseOptions) {
  const tooMany = () => tooManyEvents(options);
  const bound = createBound(options);

  return function parse(body: Buffer, contentType: string | undefined): ParsedBody | Problem {
    if (body.length === 0) return new Problem('PS_BODY_EMPTY', 'Send one event, an array of events, or NDJSON');
    const parsed = NDJSON.test(contentType ?? '') ? parseLines(body) : parseDocument(body);
    return parsed instanceof Problem ? parsed : bound(parsed);
  };

  function parseDocument(body: Buffer): ParsedBody | Problem {
    const parsed = parseJson(body);
    if (parsed instanceof Problem) return looksLikeLines(body) ? parseLines(body) : parsed;
    const { value, isPlain, isAscii } = parsed;
    if (Array.isArray(value)) return { items: value, isPlain, isAscii };
    if (value === null || typeof value !== 'object') {
      return new Problem('PS_BODY_NOT_EVENTS', 'Send one event, an array of events, or {"events": […]}');
    }
    const { events, type, sentAt } = value as { events?: unknown; type?: unknown; sentAt?: unknown };
    return Array.isArray(events) && type === undefined
      ? { items: events, sentAt, isPlain, isAscii }
      : { items: [value], isPlain, isAscii };
  }

  function parseLines(body: Buffer): ParsedBody | Problem {
    const items: unknown[] = [];
    for (const line of linesOf(body)) {
      if (items.length > options.eventsPerRequest) return tooMany();
      items.push(parseLine(line));
    }
    return { items };
  }
}

export function createBound(options: ParseOptions) {
  return function bound(body: ParsedBody): ParsedBody | Problem {
    return body.items.length > options.eventsPerRequest ? tooManyEvents(options) : body;
  };
}

export interface ParsedJson {
  readonly value: unknown;
  readonly isPlain: boolean;
  readonly isAscii: boolean;
}

/** The value of JSON text in UTF-8, with lone surrogates made harmless. */
export function parseJson(body: Buffer): ParsedJson | Problem {
  if (!isUtf8(body)) return new Problem('PS_BODY_NOT_UTF8', 'JSON is exchanged as UTF-8');
  const text = textOf(body);
  const isPlain = isPlainJson(text);
  try {
    const value = JSON.parse(isPlain ? text : replaceLoneSurrogates(text));
    // An escape may stand for any character.
    return { value, isPlain, isAscii: isPlain && text.length === body.length };
  } catch (error) {
    return new Problem('PS_BODY_NOT_JSON', messageOf(error));
  }
}

function parseLine(line: Buffer): unknown {
  if (!isUtf8(line)) return reject('invalid_utf8', '');
  try {
    return JSON.parse(replaceLoneSurrogates(textOf(line)));
  } catch {
    return reject('invalid_json', '');
  }
}

/** Whether the first of several lines is a JSON object. */
function looksLikeLines(body: Buffer): boolean {
  if (!body.includes(NEWLINE)) return false;
  for (const line of linesOf(body)) {
    const value = parseLine(line);
    return value !== null && typeof value === 'object' && !(value instanceof Rejection);
  }
  return false;
}

function* linesOf(body: Buffer): Generator<Buffer> {
  for (let start = 0; start < body.length; ) {
    const newline = body.indexOf(NEWLINE, start);
    const end = newline === -1 ? body.length : newline;
    const line = body.subarray(start, end);
    if (!isBlank(line)) yield line;
    start = end + 1;
  }
}

/** Space, tab, carriage return: JSON's white space without the newline. */
function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

const BYTE_ORDER_MARK = 0xfeff;

function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
}
