import type { Random } from '../../crash/support/random.js';
import { HOSTILE_KEY } from './requests.js';

/** What is sent where HTTP itself is broken: it is answered and closed, or closed, and never hangs. */
export interface BrokenExchange {
  readonly what: string;
  /** Sent one after the other, a little apart. */
  readonly parts: readonly Buffer[];
  /** What the client does when it has sent everything. */
  readonly finish: 'wait' | 'half-close' | 'destroy';
}

/** An event that nobody may find: it stands where a parser gets to that misreads where a request ends. */
export const SMUGGLED_ID = 'smuggled';
const inner = `{"type":"page_view","id":"${SMUGGLED_ID}"}`;
const smuggled =
  `POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Write-Key: ${HOSTILE_KEY}\r\n` +
  `Content-Length: ${inner.length}\r\n\r\n${inner}`;

const head = (lines: string) =>
  `POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Write-Key: ${HOSTILE_KEY}\r\n${lines}\r\n\r\n`;

/** Requests whose length two parsers could read in two ways (RFC 9112, sections 6.3 and 11.2). */
const SMUGGLING = [
  `${head(`Content-Length: 4\r\nTransfer-Encoding: chunked`)}0\r\n\r\n${smuggled}`,
  `${head(`Transfer-Encoding: chunked\r\nContent-Length: ${smuggled.length}`)}0\r\n\r\n${smuggled}`,
  head(`Content-Length: 0\r\nContent-Length: ${smuggled.length}`) + smuggled,
  head(`Content-Length: ${smuggled.length}, 0`) + smuggled,
  head('Content-Length: +0') + smuggled,
  head('Content-Length: -1') + smuggled,
  head('Content-Length: 0x0') + smuggled,
  `${head('Content-Length: 1e0')}x${smuggled}`,
  head('Content-Length:') + smuggled,
  head('Content-Length : 0') + smuggled,
  head('Content-Length: 99999999999999999999') + smuggled,
  head('Content-Length: 18446744073709551617') + smuggled,
  `${head('Transfer-Encoding: xchunked')}0\r\n\r\n${smuggled}`,
  `${head('Transfer-Encoding: chunked, identity')}0\r\n\r\n${smuggled}`,
  `${head('Transfer-Encoding : chunked')}0\r\n\r\n${smuggled}`,
  `${head('Transfer-Encoding: \x0bchunked')}0\r\n\r\n${smuggled}`,
  `${head('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity')}0\r\n\r\n${smuggled}`,
  head(`X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: ${smuggled.length}`) + smuggled,
  `${head('Transfer-Encoding: chunked')}0\n\r\n${smuggled}`,
  `${head('Transfer-Encoding: chunked')}0 \r\n\r\n${smuggled}`,
  `${head('Transfer-Encoding: chunked')}-1\r\n\r\n${smuggled}`,
  `${head('Transfer-Encoding: chunked')}ffffffffffffffff1\r\n${smuggled}`,
  `${head('Transfer-Encoding: chunked')}1\r\nxx\r\n0\r\n\r\n${smuggled}`,
  `${head('Transfer-Encoding: chunked')}1;${'e'.repeat(30_000)}\r\nx\r\n0\r\n\r\n`,
  `${head('Transfer-Encoding: chunked')}0\r\nContent-Length: ${smuggled.length}\r\n${smuggled}`,
  `POST /v1/events HTTP/1.1\nHost: x\nX-Write-Key: ${HOSTILE_KEY}\nContent-Length: 0\n\n${smuggled}`,
  `POST /v1/events HTTP/1.1\r\nHost: x\rX-Write-Key: ${HOSTILE_KEY}\r\nContent-Length: 0\r\n\r\n${smuggled}`,
  `GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n\tb\r\n${smuggled}`,
];

/** No requests at all. */
const NONSENSE = [
  '\r\n\r\n\r\n',
  'GET\r\n\r\n',
  'GET / HTTP/9.9\r\n\r\n',
  'GET / HTTP/1.1 \r\nHost: x\r\n\r\n',
  'get / http/1.1\r\n\r\n',
  'FOO / HTTP/1.1\r\nHost: x\r\n\r\n',
  'CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: x\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'GET /\u0000 HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: x\r\nX: \u0000\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: x\r\nX Y: z\r\n\r\n',
  'GET / HTTP/1.1\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n',
  'GET / HTTP/1.0\r\n\r\n',
  'GET /v1/pixel.gif HTTP/0.9\r\n\r\n',
  `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
  `GET / HTTP/1.1\r\nHost: x\r\n${'X-Y: z\r\n'.repeat(5000)}\r\n`,
  '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
  '{"type":"page_view"}',
];

/** Requests that do not end. */
const ENDLESS = [
  'POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Slow: ',
  `${head('Content-Length: 1000')}{"type":`,
  `${head('Content-Length: 3000000')}[`,
  `${head('Transfer-Encoding: chunked')}5\r\n{"typ`,
  `${head('Transfer-Encoding: chunked')}fffff`,
  head('Expect: 100-continue\r\nContent-Length: 5'),
];

/** Cuts `bytes` where chance has it. */
function cut(random: Random, bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let at = 0;
  for (let count = random.below(4); count > 0 && at < bytes.length; count--) {
    const end = at + 1 + random.below(bytes.length - at);
    parts.push(bytes.subarray(at, end));
    at = end;
  }
  return at < bytes.length ? [...parts, bytes.subarray(at)] : parts;
}

export function createBrokenExchange(random: Random): BrokenExchange {
  const kind = random.below(100);
  // Those that wait for a timeout are few, since they take as long.
  const list = kind < 55 ? SMUGGLING : kind < 95 ? NONSENSE : ENDLESS;
  const text = random.pick(list) as string;
  const parts = cut(random, Buffer.from(text, 'latin1'));
  const finish = list === ENDLESS ? 'wait' : 'half-close';
  return { what: text.slice(0, 300), parts, finish: random.chance(0.1) ? 'destroy' : finish };
}
