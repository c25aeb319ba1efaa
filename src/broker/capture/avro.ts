/**
 * The few encodings of Avro 1.11 (https://avro.apache.org/docs/1.11.1/specification) that files of Capture need, written
 * by hand: their schema never changes, and the same events must give the same bytes, so that a file written twice is one.
 */
export class AvroWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(initialBytes: number) {
    this.#buffer = Buffer.allocUnsafe(initialBytes);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written, as a view that the next write may change. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }

  /** Zigzag, then groups of seven bits, the lowest first. */
  long(value: number | bigint): void {
    this.#reserve(10);
    const small = typeof value === 'number' && value >= -0x4000_0000 && value < 0x4000_0000;
    if (small) this.#smallLong(((value as number) << 1) ^ ((value as number) >> 31));
    else this.#largeLong(BigInt(value));
  }

  #smallLong(zigzag: number): void {
    let rest = zigzag >>> 0;
    while (rest > 0x7f) {
      this.#buffer[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#length++] = rest;
  }

  #largeLong(value: bigint): void {
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    while (rest > 0x7fn) {
      this.#buffer[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#buffer[this.#length++] = Number(rest);
  }

  /** IEEE 754, 8 bytes, little-endian. */
  double(value: number): void {
    this.#reserve(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
  }

  string(text: string): void {
    const bytes = Buffer.byteLength(text, 'utf8');
    this.long(bytes);
    this.#reserve(bytes);
    this.#length += this.#buffer.write(text, this.#length, 'utf8');
  }

  binary(value: Buffer): void {
    this.long(value.length);
    this.raw(value);
  }

  raw(value: Buffer): void {
    this.#reserve(value.length);
    this.#length += value.copy(this.#buffer, this.#length);
  }
}

/** A value of a map of properties. */
export type AvroValue = bigint | number | string | Buffer | null;

/** Positions in the union `["long","double","string","bytes","null"]`; of whole numbers only bigint is a long. */
function unionValue(writer: AvroWriter, value: AvroValue): void {
  if (typeof value === 'bigint') {
    writer.long(0);
    writer.long(value);
  } else if (typeof value === 'number') {
    writer.long(1);
    writer.double(value);
  } else if (typeof value === 'string') {
    writer.long(2);
    writer.string(value);
  } else if (value === null) {
    writer.long(4);
  } else {
    writer.long(3);
    writer.binary(value);
  }
}

/** A map: one block of pairs, then an empty one. */
export function avroMap(writer: AvroWriter, entries: readonly (readonly [string, AvroValue])[]): void {
  if (entries.length > 0) {
    writer.long(entries.length);
    for (const [key, value] of entries) {
      writer.string(key);
      unionValue(writer, value);
    }
  }
  writer.long(0);
}
