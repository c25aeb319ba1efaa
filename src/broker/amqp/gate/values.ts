import { decodeError } from './violation.js';

/*
 * Looks at encoded AMQP values without decoding them (AMQP 1.0 part 1, section 1.6), so that what a stranger claims
 * about sizes and counts is true before anything is made of it:
 *
 *     0x00 descriptor constructor            described
 *     0x4X                                   no bytes     0x5X 1   0x6X 2   0x7X 4   0x8X 8   0x9X 16
 *     0xAX size:u8 bytes                     0xBX size:u32 bytes
 *     0xCX size:u8 count:u8 items            0xDX size:u32 count:u32 items             (list, map)
 *     0xEX size:u8 count:u8 constructor items                0xFX with u32             (array)
 */
const DESCRIBED = 0x00;
const MAX_DEPTH = 32;
const FIXED_BYTES: Readonly<Record<number, number>> = { 4: 0, 5: 1, 6: 2, 7: 4, 8: 8, 9: 16 };

const KNOWN = new Set([
  ...[0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x60, 0x61, 0x70, 0x71, 0x72],
  ...[0x73, 0x74, 0x80, 0x81, 0x82, 0x83, 0x84, 0x94, 0x98, 0xa0, 0xa1, 0xa3, 0xb0, 0xb1, 0xb3, 0xc0, 0xc1, 0xd0],
  ...[0xd1, 0xe0, 0xf0],
]);
const isMap = (code: number) => code === 0xc1 || code === 0xd1;

/** Where a value lies, and how many values may still come. */
export interface Scan {
  readonly bytes: Buffer;
  /** Values, nested ones included, that are still allowed. */
  budget: number;
}

function need(at: number, count: number, end: number): void {
  if (at + count > end) throw decodeError('a value runs past its frame or its container');
}

/** Code of the constructor at `at`, and where its value begins; the descriptors before it are looked at. */
function constructorAt(scan: Scan, at: number, end: number, depth: number): { code: number; at: number } {
  let position = at;
  for (let descriptors = 0; ; descriptors++) {
    need(position, 1, end);
    const code = scan.bytes[position] as number;
    if (code !== DESCRIBED) return { code, at: position + 1 };
    if (depth + descriptors >= MAX_DEPTH) throw decodeError('values are nested too deep');
    position = scanValue(scan, position + 1, end, depth + descriptors + 1);
  }
}

/** End of the value at `at`, all of it inside `end`. */
export function scanValue(scan: Scan, at: number, end: number, depth = 0): number {
  if (depth > MAX_DEPTH) throw decodeError('values are nested too deep');
  if (--scan.budget < 0) throw decodeError('too many values');
  const made = constructorAt(scan, at, end, depth);
  return scanBody(scan, made.code, { at: made.at, end, depth });
}

interface Place {
  readonly at: number;
  readonly end: number;
  readonly depth: number;
}

function scanBody(scan: Scan, code: number, place: Place): number {
  if (!KNOWN.has(code)) throw decodeError(`0x${code.toString(16)} is not a type`);
  const { at, end } = place;
  const fixed = FIXED_BYTES[code >>> 4];
  if (fixed !== undefined) {
    need(at, fixed, end);
    return at + fixed;
  }
  const width = (code >>> 4) % 2 === 0 ? 1 : 4;
  need(at, width, end);
  const size = width === 1 ? scan.bytes.readUInt8(at) : scan.bytes.readUInt32BE(at);
  const start = at + width;
  need(start, size, end);
  if (code < 0xc0) return start + size;
  if (size < width) throw decodeError('a container without a count');
  const count = width === 1 ? scan.bytes.readUInt8(start) : scan.bytes.readUInt32BE(start);
  scanItems(scan, code, count, { at: start + width, end: start + size, depth: place.depth });
  return start + size;
}

function scanItems(scan: Scan, code: number, count: number, { at, end, depth }: Place): void {
  if (count > scan.budget) throw decodeError('too many values');
  if (isMap(code) && count % 2 !== 0) throw decodeError('a map with a key that has no value');
  let position = at;
  if (code >= 0xe0) position = scanArrayItems(scan, count, { at, end, depth });
  else for (let item = 0; item < count; item++) position = scanValue(scan, position, end, depth + 1);
  if (position !== end) throw decodeError('a container is larger than what is in it');
}

function scanArrayItems(scan: Scan, count: number, { at, end, depth }: Place): number {
  scan.budget -= count;
  const made = constructorAt(scan, at, end, depth);
  let position = made.at;
  for (let item = 0; item < count; item++) {
    if (depth >= MAX_DEPTH) throw decodeError('values are nested too deep');
    position = scanBody(scan, made.code, { at: position, end, depth: depth + 1 });
  }
  return position;
}

/**
 * Looks whether `bytes` are values one after the other, and no more than `maxValues` of them.
 * @throws ProtocolViolation
 */
export function checkValues(bytes: Buffer, maxValues: number): void {
  const scan = { bytes, budget: maxValues };
  for (let at = 0; at < bytes.length; ) at = scanValue(scan, at, bytes.length);
}
