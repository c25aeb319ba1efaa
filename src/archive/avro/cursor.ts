/** What is at `at` cannot be what it should be. */
export class DamagedAvro extends Error {
  readonly at: number;

  constructor(what: string, at: number) {
    super(what);
    this.at = at;
  }
}

/** Of a 64-bit number, seven bits in each. */
export const MAX_LONG_BYTES = 10;

/**
 * Reads encodings of Avro 1.11 (https://avro.apache.org/docs/1.11.1/specification), one after the other. Nothing is
 * believed: whatever the bytes are, each call either moves on within them or throws DamagedAvro.
 */
export interface Cursor {
  readonly at: number;
  readonly remaining: number;
  /** A whole number that JavaScript has exactly. */
  long(): number;
  bytes(): Buffer;
  string(): string;
  skipLong(): void;
  /** Moves on by so many bytes. */
  skip(count: number): void;
}

export function createCursor(buffer: Buffer): Cursor {
  let at = 0;
  const damaged = (what: string) => new DamagedAvro(what, at);
  const skipLong = () => {
    for (let count = 1; ; count++) {
      const byte = buffer[at];
      if (byte === undefined) throw damaged('a number is cut off');
      if (count > MAX_LONG_BYTES) throw damaged('a number has too many bytes');
      at++;
      if (byte < 0x80) return;
    }
  };
  const long = (): number => {
    const from = at;
    skipLong();
    // Groups of seven bits, the lowest first, of the zigzag encoding. Exact as long as the result is safe.
    let zigzag = 0;
    for (let index = at - 1; index >= from; index--) zigzag = zigzag * 128 + ((buffer[index] as number) & 0x7f);
    if (!Number.isSafeInteger(zigzag)) throw damaged('a number is too large');
    return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
  };
  const skip = (count: number) => {
    if (!(count >= 0 && count <= buffer.length - at)) throw damaged('a value is cut off');
    at += count;
  };
  const bytes = (): Buffer => {
    const length = long();
    skip(length);
    return buffer.subarray(at - length, at);
  };
  return {
    get at() {
      return at;
    },
    get remaining() {
      return buffer.length - at;
    },
    long,
    bytes,
    string: () => bytes().toString('utf8'),
    skipLong,
    skip,
  };
}
