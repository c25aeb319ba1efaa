/**
 * Bytes of a saved state that are written and read one value at a time: unsigned whole numbers as LEB128 varints, other
 * numbers as 64-bit IEEE 754, texts as UTF-8 with their length before them.
 */
export interface ByteWriter {
  /** A whole number from 0 to 2^53 - 1. */
  uint(value: number): void;
  text(value: string): void;
  /** Any number, or a text; the first byte says which. */
  value(value: number | string): void;
  /** Everything that was written so far. */
  bytes(): Buffer;
}

export interface ByteReader {
  uint(): number;
  text(): string;
  value(): number | string;
  readonly atEnd: boolean;
}

const FIRST_CHUNK_BYTES = 4 * 1024;
const MAX_CHUNK_BYTES = 256 * 1024;
const UINT_BYTES = 8;
const GROUP = 0x80;
const GROUP_MASK = 0x7f;

/** First byte of a value. */
const UINT = 0;
const FLOAT = 1;
const TEXT = 2;

/** In chunks, so that growing never copies what is there. */
export function createByteWriter(): ByteWriter {
  const full: Buffer[] = [];
  let chunk = Buffer.allocUnsafeSlow(FIRST_CHUNK_BYTES);
  let at = 0;

  const reserve = (bytes: number) => {
    if (at + bytes <= chunk.length) return;
    full.push(chunk.subarray(0, at));
    chunk = Buffer.allocUnsafeSlow(Math.max(Math.min(2 * chunk.length, MAX_CHUNK_BYTES), bytes));
    at = 0;
  };
  const uint = (value: number) => {
    reserve(UINT_BYTES);
    let rest = value;
    while (rest >= GROUP) {
      // Bit operations end at 32 bits, and times do not.
      chunk[at++] = (rest % GROUP) | GROUP;
      rest = Math.floor(rest / GROUP);
    }
    chunk[at++] = rest;
  };
  const text = (value: string) => {
    // UTF-8 has no form for half a surrogate pair, and a name that changed would be another visitor's.
    const encoding = value.isWellFormed() ? 'utf8' : 'utf16le';
    const length = Buffer.byteLength(value, encoding);
    uint(length * 2 + (encoding === 'utf8' ? 0 : 1));
    reserve(length);
    at += chunk.write(value, at, encoding);
  };
  return {
    uint,
    text,
    value(value) {
      reserve(1 + UINT_BYTES);
      if (typeof value === 'string') {
        chunk[at++] = TEXT;
        text(value);
      } else if (Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)) {
        chunk[at++] = UINT;
        uint(value);
      } else {
        chunk[at++] = FLOAT;
        at = chunk.writeDoubleBE(value, at);
      }
    },
    bytes: () => Buffer.concat([...full, chunk.subarray(0, at)]),
  };
}

/** Its methods throw RangeError when the bytes end too soon or are none that a writer made. */
export function createByteReader(bytes: Buffer): ByteReader {
  let at = 0;

  const byte = (): number => {
    const value = bytes[at++];
    if (value === undefined) throw new RangeError('the bytes end too soon');
    return value;
  };
  const uint = (): number => {
    let value = 0;
    let unit = 1;
    for (;;) {
      const next = byte();
      value += (next & GROUP_MASK) * unit;
      if (next < GROUP) break;
      unit *= GROUP;
    }
    if (!Number.isSafeInteger(value)) throw new RangeError('a number is too large');
    return value;
  };
  const take = (length: number): number => {
    const from = at;
    at += length;
    if (at > bytes.length) throw new RangeError('the bytes end too soon');
    return from;
  };
  const text = (): string => {
    const head = uint();
    const length = Math.floor(head / 2);
    const from = take(length);
    return bytes.toString(head % 2 === 0 ? 'utf8' : 'utf16le', from, from + length);
  };
  return {
    uint,
    text,
    value() {
      const kind = byte();
      if (kind === UINT) return uint();
      if (kind === TEXT) return text();
      if (kind !== FLOAT) throw new RangeError('a value of no kind');
      return bytes.readDoubleBE(take(8));
    },
    get atEnd() {
      return at === bytes.length;
    },
  };
}
