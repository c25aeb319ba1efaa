import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { protocols } from '../../../src/gateway/protocols/index.js';
import type { Random } from '../../crash/support/random.js';
import { createBody, type EncodedBody, encodeBody } from './bodies.js';

/** The write key that the recorded requests of SDKs have. */
export const HOSTILE_KEY = 'a-write-key';

/** A request whose ends are clear, whatever is in it: it gets exactly one answer. */
export interface HostileRequest {
  readonly method: string;
  readonly bytes: Buffer;
  /** What it was, for a report. */
  readonly what: string;
  /** The gateway may close the connection behind its answer, or while the rest of the request is being sent. */
  readonly mayBreak: boolean;
}

interface Recorded {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly bodyBase64?: string;
}

const RECORDED_DIR = 'test/gateway/protocols/recorded';
const recorded = readdirSync(RECORDED_DIR).flatMap(
  (file) => JSON.parse(readFileSync(join(RECORDED_DIR, file), 'utf8')) as Recorded[],
);
const validBodies = [
  Buffer.from('{"type":"page_view","anonymousId":"v","page":{"path":"/a"},"properties":{"a":[1,2,{"b":null}]}}'),
  Buffer.from('[{"type":"click","id":"a"},{"type":"purchase","transaction_id":"T","value":1,"currency":"EUR"}]'),
  ...recorded
    .filter(({ method }) => method === 'POST')
    .map(({ body, bodyBase64 }) =>
      bodyBase64 === undefined ? Buffer.from(body ?? '') : Buffer.from(bodyBase64, 'base64'),
    ),
];

const routes: readonly string[] = [
  ...['/v1/events', '/v1/events', '/v1/events', '/v1/pixel.gif', '/livez', '/readyz', '/metrics', '/penstock.js', '/'],
  ...['/webhooks/shopify/hostile', '/webhooks/stripe/hostile', '/webhooks/woocommerce/nobody'],
  ...protocols.flatMap((protocol) => protocol.routes.flatMap(({ paths }) => paths)),
  ...recorded.map(({ url }) => url),
].map((path) => path.replace(/:[a-z]+/gi, 'track'));

const METHODS = ['POST', 'GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH', 'TRACE', 'QUERY', 'PROPFIND', 'SEARCH'];

/** Tricks with a path; none has a byte that would end the request line. */
const PATH_TRICKS: readonly ((path: string, random: Random) => string)[] = [
  (path) => path.replaceAll('/', '%2f'),
  (path) => `/a/..${path}`,
  (path) => `/.${path}/./..${path}`,
  (path) => `/%2e%2e${path}`,
  (path) => `${path}%00`,
  (path) => `${path}/%c0%ae%c0%ae/%c0%af`,
  (path) => path.replaceAll('/', '//'),
  (path) => path.toUpperCase(),
  (path) => `${path}/`,
  (path) => `${path};a=b`,
  (path) => `${path}%`,
  (path) => `${path}%zz%u0041`,
  (path) => `http://elsewhere.example${path}`,
  () => '*',
  (path, random) => `${path}${'/x'.repeat(random.below(3000))}`,
  (path, random) => `/${'y'.repeat(random.below(8000))}${path}`,
  (path) => `${path}#fragment`,
  () => '/../../etc/passwd',
  () => '/__proto__/constructor',
];

const QUERIES: readonly ((random: Random) => string)[] = [
  () => `writeKey=${HOSTILE_KEY}`,
  () => `writeKey=${HOSTILE_KEY}&type=purchase&transaction_id=Q&value=NaN&currency=EUR`,
  () => `writeKey=${HOSTILE_KEY}&__proto__=1&constructor[prototype]=2`,
  (random) => 'a=1&'.repeat(random.below(1500)),
  (random) => `writeKey=${'k'.repeat(random.below(4000))}`,
  () => '%00=%ff&%=&&&=',
  () => `data=${Buffer.from('{"event":"x","properties":{"token":"a-write-key"}}').toString('base64')}`,
  () => 'data=%7B&idsite=1&rec=1&e=pv&tv=x&api_key=a-write-key',
  () => 'dry_run=1&dry_run=2&writeKey[]=x',
];

const HEADERS: readonly ((random: Random) => string)[] = [
  () => `X-Write-Key: ${HOSTILE_KEY}`,
  () => `Authorization: Bearer ${HOSTILE_KEY}`,
  () => `Authorization: Basic ${Buffer.from(`${HOSTILE_KEY}:`).toString('base64')}`,
  () => 'Authorization: Basic ====',
  () => `Authorization: Bearer ${'x'.repeat(600)}`,
  () => 'X-Forwarded-For: 1.2.3.4, ::1, [::1]:80, 999.1.1.1, %0a, ,,,',
  (random) => `X-Forwarded-For: ${'127.0.0.1,'.repeat(random.below(300))}`,
  () => 'Origin: https://evil.example',
  () => 'Origin: null',
  () => 'Access-Control-Request-Method: POST',
  () => 'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  () => 'traceparent: 00-zz-01',
  (random) => `tracestate: ${'a=b,'.repeat(random.below(300))}`,
  () => 'User-Agent: \u00ff\u00fe',
  (random) => `User-Agent: ${'Mozilla/5.0 ('.repeat(random.below(100))}`,
  () => 'Cookie: a=b; __proto__=c',
  () => 'If-None-Match: *',
  () => 'Accept-Encoding: gzip;q=0, br;q=9, *;q=0.0001, ,;;',
  () => 'ce-id: a\r\nce-source: \u00e4\r\nce-specversion: 1.0\r\nce-type: x',
  () => 'Stripe-Signature: t=1,v1=00,v1=zz',
  () => 'X-Shopify-Hmac-SHA256: AAAA',
  () => 'X-WC-Webhook-Signature: =',
  () => 'Sec-GPC: 1\r\nDNT: 1',
  () => 'Expect: 100-continue',
  () => 'Expect: the-unexpected',
  () => 'Connection: keep-alive, X-Write-Key',
  () => 'Connection: Upgrade\r\nUpgrade: h2c',
  () => '__proto__: x\r\nconstructor: y',
  (random) => Array.from({ length: random.below(200) }, (_, index) => `X-Flood-${index}: y`).join('\r\n') || 'X: y',
  (random) => `X-Long: ${'z'.repeat(random.below(20_000))}`,
  () => 'Accept-Version: 1.x',
  () => 'X-HTTP-Method-Override: DELETE',
];
const CONTENT_TYPES = [
  ...['application/json', 'text/plain;charset=UTF-8', 'application/x-ndjson', 'application/x-www-form-urlencoded'],
  ...[
    'application/cloudevents+json',
    'application/cloudevents-batch+json',
    'multipart/form-data; boundary=x',
    'a/b; c',
  ],
  ...['nonsense', '', '/', 'application/json; charset=utf-16', `x/${'y'.repeat(500)}`, '__proto__/constructor'],
];

/** In chunks of odd sizes and spellings, all within RFC 9112, section 7.1. */
function chunked(random: Random, body: Buffer): Buffer {
  const parts: Buffer[] = [];
  const most = random.chance(0.1) ? 3 : 1 + random.below(4000);
  for (let at = 0, count = 0; at < body.length && count < 2000; count++) {
    const size = count === 1999 ? body.length - at : Math.min(body.length - at, 1 + random.below(most));
    const hex = random.chance(0.2) ? `000${size.toString(16).toUpperCase()}` : size.toString(16);
    const extension = random.chance(0.1) ? ';name="value";x' : '';
    parts.push(Buffer.from(`${hex}${extension}\r\n`), body.subarray(at, at + size), Buffer.from('\r\n'));
    at += size;
  }
  parts.push(Buffer.from(random.chance(0.1) ? '0\r\nX-Trailer: y\r\n\r\n' : '0\r\n\r\n'));
  return Buffer.concat(parts);
}

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const MAX_HEADER_BYTES = 15_000;

export function createHostileRequest(random: Random): HostileRequest {
  const method = random.chance(0.75) ? 'POST' : (random.pick(METHODS) as string);
  const base = random.pick(routes) as string;
  const path = random.chance(0.1) ? (random.pick(PATH_TRICKS) ?? String)(base, random) : base;
  const query = random.chance(0.25) ? (random.pick(QUERIES)?.(random) ?? '') : '';
  const target = query === '' ? path : `${path}${path.includes('?') ? '&' : '?'}${query}`;

  const headers = [random.chance(0.9) ? 'Host: gateway.example' : 'Host: '];
  if (random.chance(0.7)) headers.push(`X-Write-Key: ${HOSTILE_KEY}`);
  if (random.chance(0.6)) headers.push(`Content-Type: ${random.pick(CONTENT_TYPES)}`);
  for (let count = random.chance(0.4) ? random.below(4) : 0; count > 0; count--) {
    headers.push(random.pick(HEADERS)?.(random) ?? '');
  }
  const hasBody = method === 'POST' || random.chance(0.3);
  const body: EncodedBody = hasBody ? encodeBody(random, createBody(random, validBodies)) : { bytes: Buffer.alloc(0) };
  if (body.encoding !== undefined) headers.push(`Content-Encoding: ${body.encoding}`);
  const isChunked = hasBody && random.chance(0.15);
  if (hasBody) headers.push(isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.bytes.length}`);
  const head = `${method} ${target} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`;
  const payload = isChunked ? chunked(random, body.bytes) : body.bytes;
  return {
    method,
    bytes: Buffer.concat([Buffer.from(head, 'latin1'), payload]),
    what: `${head.slice(0, 300)}${payload.toString('latin1', 0, 200)}`,
    mayBreak: head.length > MAX_HEADER_BYTES || body.bytes.length > MAX_BODY_BYTES,
  };
}
