/**
 * One line of the combined log format of Apache and nginx:
 *
 *   %h %l %u [%t] "%r" %>s %b "%{Referer}i" "%{User-Agent}i"
 *   192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 512 "https://example.com/" "Mozilla/5.0 …"
 *
 * (https://httpd.apache.org/docs/2.4/mod/mod_log_config.html; nginx `log_format combined`). The scan is linear: one
 * pass over the characters, no backtracking. Fields after the user agent, which many nginx formats add, are ignored.
 */
export interface CombinedLine {
  /** Address or name of the client. */
  readonly host: string;
  readonly timeMs: number;
  readonly method: string;
  /** As sent in the request line, percent-encoded; escaped bytes of the log are percent-encoded too. */
  readonly target: string;
  readonly status: number;
  /** Absent when the client sent none. */
  readonly referrer?: string;
  readonly userAgent?: string;
}

type CombinedFault =
  | 'no_client_address'
  | 'no_time'
  | 'bad_time'
  | 'no_request'
  | 'unterminated_quote'
  | 'bad_status'
  | 'no_referrer'
  | 'no_user_agent_field';

export type ParsedLine =
  | { readonly ok: true; readonly line: CombinedLine }
  | { readonly ok: false; readonly fault: CombinedFault };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const fail = (fault: CombinedFault): ParsedLine => ({ ok: false, fault });

/** Never throws: what is not a combined line is told by its fault. */
export function parseCombinedLine(text: string): ParsedLine {
  const hostEnd = text.indexOf(' ');
  if (hostEnd <= 0) return fail('no_client_address');
  const time = findTime(text, hostEnd);
  if (!time.found) return fail(time.fault);

  const request = quoted(text, time.end);
  if (typeof request === 'string') return fail(request === 'missing' ? 'no_request' : request);
  const statusEnd = request.end + 4;
  const status = threeDigits(text, request.end + 1);
  if (text[request.end] !== ' ' || status === undefined || text[statusEnd] !== ' ') return fail('bad_status');
  const sizeEnd = text.indexOf(' ', statusEnd + 1);
  if (sizeEnd === -1) return fail('no_referrer');

  const referrer = quoted(text, sizeEnd + 1);
  if (typeof referrer === 'string') return fail(referrer === 'missing' ? 'no_referrer' : referrer);
  const userAgent = text[referrer.end] === ' ' ? quoted(text, referrer.end + 1) : 'missing';
  if (typeof userAgent === 'string') return fail(userAgent === 'missing' ? 'no_user_agent_field' : userAgent);

  const { method, target } = splitRequest(request.raw);
  return {
    ok: true,
    line: {
      host: text.slice(0, hostEnd),
      timeMs: time.timeMs,
      method,
      target: urlBytes(target),
      status,
      ...(isSent(referrer.raw) && { referrer: urlBytes(referrer.raw) }),
      ...(isSent(userAgent.raw) && { userAgent: unescapeText(userAgent.raw) }),
    },
  };
}

const isSent = (raw: string) => raw !== '' && raw !== '-';

type FoundTime =
  | { readonly found: true; readonly timeMs: number; readonly end: number }
  | { readonly found: false; readonly fault: 'no_time' | 'bad_time' };

/** The user field may hold spaces and brackets of its own, so the first bracket that begins a time is taken. */
function findTime(text: string, from: number): FoundTime {
  let bracketed = false;
  for (let open = text.indexOf(' [', from); open !== -1; open = text.indexOf(' [', open + 2)) {
    const start = open + 2;
    const timeMs = parseLogTime(text.slice(start, start + LOG_TIME_LENGTH));
    const end = start + LOG_TIME_LENGTH;
    if (timeMs !== undefined && text.startsWith('] ', end)) return { found: true, timeMs, end: end + 2 };
    bracketed = true;
    if (text.indexOf('"', from) < open) break;
  }
  return { found: false, fault: bracketed ? 'bad_time' : 'no_time' };
}

const LOG_TIME_LENGTH = '17/May/2015:10:05:03 +0000'.length;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `17/May/2015:10:05:03 +0000` in milliseconds since the epoch; undefined when it is no such time. */
export function parseLogTime(text: string): number | undefined {
  if (text.length !== LOG_TIME_LENGTH) return undefined;
  for (const [at, mark] of [
    [2, '/'],
    [6, '/'],
    [11, ':'],
    [14, ':'],
    [17, ':'],
    [20, ' '],
  ] as const) {
    if (text[at] !== mark) return undefined;
  }
  const day = digits(text, 0, 2);
  const month = MONTHS.indexOf(text.slice(3, 6));
  const year = digits(text, 7, 11);
  const hour = digits(text, 12, 14);
  const minute = digits(text, 15, 17);
  const second = digits(text, 18, 20);
  const zoneHour = digits(text, 22, 24);
  const zoneMinute = digits(text, 24, 26);
  const sign = text[21] === '+' ? 1 : text[21] === '-' ? -1 : 0;
  // Minus one stands for "not digits"; second 60 is a leap second.
  if (day < 1 || month < 0 || year < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59) return undefined;
  if (second < 0 || second > 60 || zoneHour < 0 || zoneHour > 14 || zoneMinute < 0 || zoneMinute > 59 || sign === 0)
    return undefined;
  const midnight = new Date(Date.UTC(2000, month, day)).setUTCFullYear(year, month, day);
  if (new Date(midnight).getUTCDate() !== day) return undefined;
  return midnight + ((hour * 60 + minute) * 60 + second) * 1000 - sign * (zoneHour * 60 + zoneMinute) * 60_000;
}

function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function threeDigits(text: string, at: number): number | undefined {
  const value = digits(text, at, at + 3);
  return value >= 100 && value <= 599 ? value : undefined;
}

/** The quoted field that begins at `at`, still escaped, and the place after its closing quote. */
function quoted(text: string, at: number): { raw: string; end: number } | 'missing' | 'unterminated_quote' {
  if (text.charCodeAt(at) !== QUOTE) return 'missing';
  for (let index = at + 1; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === BACKSLASH) index++;
    else if (code === QUOTE) return { raw: text.slice(at + 1, index), end: index + 1 };
  }
  return 'unterminated_quote';
}

/** Broken clients send no request line, or bytes of another protocol: then the method is empty. */
function splitRequest(request: string): { method: string; target: string } {
  const first = request.indexOf(' ');
  const last = request.lastIndexOf(' ');
  if (first <= 0 || first === last || !request.startsWith('HTTP/', last + 1)) return { method: '', target: '' };
  return { method: request.slice(0, first), target: request.slice(first + 1, last) };
}

const SIMPLE_ESCAPES: Readonly<Record<string, number>> = {
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  b: 8,
  f: 12,
  '"': QUOTE,
  '\\': BACKSLASH,
};

/** The bytes of an escaped field: `\xhh` and C-style escapes; any other backslash stands for itself. */
function unescapeBytes(raw: string): Buffer {
  const parts: (string | number)[] = [];
  let from = 0;
  for (let at = raw.indexOf('\\'); at !== -1; at = raw.indexOf('\\', from)) {
    const next = raw[at + 1] ?? '';
    const byte = next === 'x' ? hexByte(raw, at + 2) : SIMPLE_ESCAPES[next];
    parts.push(raw.slice(from, at), byte ?? raw.slice(at, at + 2));
    from = at + (next === 'x' && byte !== undefined ? 4 : 2);
  }
  parts.push(raw.slice(from));
  return Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part, 'utf8'))));
}

function hexByte(text: string, at: number): number | undefined {
  const pair = text.slice(at, at + 2);
  return /^[0-9a-fA-F]{2}$/.test(pair) ? Number.parseInt(pair, 16) : undefined;
}

/** Escaped bytes that are not UTF-8 become U+FFFD. */
function unescapeText(raw: string): string {
  return raw.includes('\\') ? unescapeBytes(raw).toString('utf8') : raw;
}

/** In a URL an escaped byte becomes its percent-encoding, which loses nothing whatever the charset was. */
function urlBytes(raw: string): string {
  if (!raw.includes('\\')) return raw;
  let url = '';
  for (const byte of unescapeBytes(raw)) {
    const plain = byte > 0x20 && byte < 0x7f && byte !== QUOTE && byte !== BACKSLASH;
    url += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return url;
}
