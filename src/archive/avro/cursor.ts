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
 * believed: whatever the bytes are, each call either moves on within them or throws DamagedAvro. A class: accessors in an
 * object literal would keep each block in memory until the whole heap is looked through.
 */
export class Cursor {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  get at(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#buffer.length - this.#at;
  }

  /** A whole number that JavaScript has exactly. */
  long(): number {
    const from = this.#at;
    this.skipLong();
    // Groups of seven bits, the lowest first, of the zigzag encoding. Exact as long as the result is safe.
    let zigzag = 0;
    for (let index = this.#at - 1; index >= from; index--) {
      zigzag = zigzag * 128 + ((this.#buffer[index] as number) & 0x7f);
    }
    if (!Number.isSafeInteger(zigzag)) throw this.#damaged('a number is too large');
    return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
  }

  bytes(): Buffer {
    const length = this.long();
    this.skip(length);
    return this.#buffer.subarray(this.#at - length, this.#at);
  }

  string(): string {
    return this.bytes().toString('utf8');
  }

  skipLong(): void {
    for (let count = 1; ; count++) {
      const byte = this.#buffer[this.#at];
      if (byte === undefined) throw this.#damaged('a number is cut off');
      if (count > MAX_LONG_BYTES) throw this.#damaged('a number has too many bytes');
      this.#at++;
      if (byte < 0x80) return;
    }
  }

  /** Moves on by so many bytes. */
  skip(count: number): void {
    if (!(count >= 0 && count <= this.remaining)) throw this.#damaged('a value is cut off');
    this.#at += count;
  }

  #damaged(what: string): DamagedAvro {
    return new DamagedAvro(what, this.#at);
  }
}
