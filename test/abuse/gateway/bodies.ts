import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import type { Random } from '../../crash/support/random.js';
import { rawZstd, zstdBomb } from '../../gateway/zstd-frames.js';

const KEYS = [
  ...['type', 'id', 'anonymousId', 'userId', 'page', 'properties', 'context', 'consent', 'occurredAt', 'sentAt'],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '', '\u0000', '$set', 'events', 'batch'],
];
const TYPES = ['page_view', 'click', 'view_item', 'purchase', 'refund', 'churn_scored', '', 'a b', '__proto__', '💥'];
/** JSON text of values that have hurt somebody. */
const VALUES = [
  ...['null', 'true', '0', '-0', '1e999', '-1e999', '1e308', '9007199254740993', '123456789012345678901234567890'],
  ...['NaN', 'Infinity', '0x10', '01', '.5', '1.', '""', '"\\ud800"', '"\\udfff\\ud800"', '"\\u0000"', '[]', '{}'],
  ...['"2026-02-30T25:61:00Z"', '"-271821-04-20"', '"%00"', '{"__proto__":{"x":1}}', '{"a":1,"a":2}', '[[[[]]]]'],
];

type Make = (random: Random, valid: readonly Buffer[]) => Buffer;

const repeat = (text: string, count: number) => text.repeat(count);

function jsonText(random: Random, depth: number): string {
  if (depth === 0 || random.chance(0.4)) return random.pick(VALUES) as string;
  const members = Array.from({ length: random.below(4) }, () => jsonText(random, depth - 1));
  if (random.chance(0.3)) return `[${members.join()}]`;
  return `{${members.map((member) => `${JSON.stringify(random.pick(KEYS))}:${member}`).join()}}`;
}

function eventText(random: Random): string {
  const fields = [`"type":${JSON.stringify(random.pick(TYPES))}`];
  for (let count = random.below(5); count > 0; count--) {
    fields.push(`${JSON.stringify(random.pick(KEYS))}:${jsonText(random, 3)}`);
  }
  return `{${fields.join()}}`;
}

function nested(random: Random): string {
  const depth = 10 ** (1 + random.below(random.chance(0.02) ? 4 : 2)) * (1 + random.below(9));
  const [open, close] = random.chance(0.5) ? ['[', ']'] : ['{"a":', '}'];
  return `${repeat(open as string, depth)}1${random.chance(0.7) ? repeat(close as string, depth) : ''}`;
}

function randomBytes(random: Random, most: number): Buffer {
  return Buffer.from(Array.from({ length: random.below(most) }, () => random.below(256)));
}

/** A body that was good, with some of its bytes changed, left out or doubled. */
function mutated(random: Random, valid: readonly Buffer[]): Buffer {
  const body = Buffer.from(random.pick(valid) ?? '{}');
  for (let count = 1 + random.below(5); count > 0 && body.length > 0; count--) {
    body[random.below(body.length)] = random.below(256);
  }
  const cut = random.below(body.length + 1);
  if (random.chance(0.2)) return body.subarray(0, cut);
  return random.chance(0.2) ? Buffer.concat([body.subarray(0, cut), body]) : body;
}

const makers: readonly (readonly [share: number, make: Make])[] = [
  [0.3, (random) => Buffer.from(eventText(random))],
  [0.2, mutated],
  [0.1, (random, valid) => random.pick(valid) as Buffer],
  [0.1, (random) => Buffer.from(`[${Array.from({ length: random.below(30) }, () => eventText(random)).join()}]`)],
  [0.08, (random) => Buffer.from(Array.from({ length: random.below(9) }, () => eventText(random)).join('\n'))],
  [0.05, (random) => Buffer.from(jsonText(random, 6))],
  [0.05, (random) => randomBytes(random, 300)],
  [0.04, (random) => Buffer.from(nested(random))],
  [0.03, (random) => Buffer.concat([Buffer.from('{"type":"x","v":"'), randomBytes(random, 50), Buffer.from('"}')])],
  [0.02, (random) => Buffer.from(`\ufeff${eventText(random)}`, random.chance(0.5) ? 'utf16le' : 'utf8')],
  [0.01, (random) => Buffer.from(`data=${encodeURIComponent(eventText(random))}&${repeat('a=1&', random.below(200))}`)],
  [0.0005, (random) => Buffer.from(`[${repeat('{"type":"x"},', random.below(20_000))}0]`)],
  [0.0002, (random) => Buffer.alloc(random.below(6 * 1024 * 1024), 0x20)],
];

function pickMaker(random: Random): Make {
  let at = random.below(1_000_000) / 1_000_000;
  for (const [share, make] of makers) {
    at -= share;
    if (at < 0) return make;
  }
  return makers[0]?.[1] as Make;
}

export function createBody(random: Random, valid: readonly Buffer[]): Buffer {
  return pickMaker(random)(random, valid);
}

export interface EncodedBody {
  readonly bytes: Buffer;
  readonly encoding?: string;
}

const FAST = { level: 1 };
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };

const encoders: readonly (readonly [string, (body: Buffer) => Buffer])[] = [
  ['gzip', (body) => gzipSync(body, FAST)],
  ['x-gzip', (body) => gzipSync(body, FAST)],
  ['deflate', (body) => deflateSync(body, FAST)],
  ['deflate', (body) => deflateRawSync(body, FAST)],
  ['br', (body) => brotliCompressSync(body, BROTLI)],
  ['zstd', (body) => rawZstd(body.toString('latin1').slice(0, 100_000))],
];
const LABELS = [
  'gzip',
  'deflate',
  'br',
  'zstd',
  'identity',
  'compress',
  'gzip, gzip',
  'constructor',
  '__proto__',
  ' ',
  '*',
];

let bombs: readonly EncodedBody[] | undefined;

/** 64 MB in a few bytes. Made once. */
function bombOf(random: Random): EncodedBody {
  bombs ??= [
    { encoding: 'gzip', bytes: gzipSync(Buffer.alloc(64 * 1024 * 1024, 0x20)) },
    { encoding: 'deflate', bytes: deflateSync(Buffer.alloc(64 * 1024 * 1024, 0x5b)) },
    { encoding: 'br', bytes: brotliCompressSync(Buffer.alloc(64 * 1024 * 1024), BROTLI) },
    { encoding: 'zstd', bytes: zstdBomb(64 * 1024 * 1024) },
    { encoding: 'zstd', bytes: zstdBomb(64 * 1024 * 1024, false) },
    { encoding: 'gzip', bytes: gzipSync(gzipSync(Buffer.alloc(64 * 1024 * 1024))) },
  ];
  return random.pick(bombs) as EncodedBody;
}

/** The body as it is, or compressed, or under a label that is a lie, or a bomb. */
export function encodeBody(random: Random, body: Buffer): EncodedBody {
  if (random.chance(0.75)) return { bytes: body };
  if (random.chance(0.001)) return bombOf(random);
  if (random.chance(0.3)) return { bytes: body, encoding: random.pick(LABELS) as string };
  const [encoding, encode] = random.pick(encoders) as (typeof encoders)[number];
  const bytes = encode(body);
  if (random.chance(0.8)) return { bytes, encoding };
  if (random.chance(0.5)) return { bytes: bytes.subarray(0, random.below(bytes.length + 1)), encoding };
  const broken = Buffer.from(bytes);
  if (broken.length > 0) broken[random.below(broken.length)] = random.below(256);
  return { bytes: broken, encoding };
}
