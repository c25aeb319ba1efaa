/** Of a request to a management node: an AMQP map, as it was decoded. */
export type Fields = Readonly<Record<string, unknown>>;

/** A field of a request that is not what it should be: the client is told which, and what is expected. */
export class BadField extends Error {
  readonly condition = 'com.microsoft:argument-error';
  get description(): string {
    return this.message;
  }

  constructor(name: string, expectation: string) {
    super(`${name}: ${expectation}.`);
  }
}

const isMissing = (value: unknown): value is null | undefined => value === null || value === undefined;

/** A map, and nothing else that is an object in JavaScript: no list, binary, time or described value. */
export const isMap = (value: unknown): value is Fields =>
  value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype;

/** A whole number. Longs beyond 2^53 come as their 8 bytes; nothing has such a number, so that the nearest does as well. */
function wholeNumber(value: unknown): number | undefined {
  if (Buffer.isBuffer(value) && value.length === 8) {
    return value.readInt8(0) < 0 ? Number.MIN_SAFE_INTEGER : Number.MAX_SAFE_INTEGER;
  }
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

/** A field by its path, `a.b` of `b` in `a`: this is how it is named to the client. */
const last = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

export function optionalText(fields: Fields, name: string): string | undefined {
  const value = fields[last(name)];
  if (isMissing(value)) return undefined;
  if (typeof value !== 'string') throw new BadField(name, 'a string is expected');
  return value;
}

export function optionalFlag(fields: Fields, name: string): boolean {
  const value = fields[last(name)];
  if (isMissing(value)) return false;
  if (typeof value !== 'boolean') throw new BadField(name, 'a boolean is expected');
  return value;
}

export function textField(fields: Fields, name: string): string {
  const value = optionalText(fields, name);
  if (value === undefined) throw new BadField(name, 'a string is expected');
  return value;
}

export function optionalMap(fields: Fields, name: string): Fields | undefined {
  const value = fields[last(name)];
  if (isMissing(value)) return undefined;
  if (!isMap(value)) throw new BadField(name, 'a map is expected');
  return value;
}

interface Bounds {
  readonly least?: number;
  readonly most?: number;
}

function expectationOf({ least, most }: Bounds): string {
  if (most !== undefined) return `a whole number from ${least ?? 0} to ${most} is expected`;
  return least === undefined ? 'a whole number is expected' : `a whole number, ${least} or more, is expected`;
}

export function optionalWhole(fields: Fields, name: string, bounds: Bounds = {}): number | undefined {
  const value = fields[name];
  if (isMissing(value)) return undefined;
  const number = wholeNumber(value);
  const { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY } = bounds;
  if (number === undefined || number < least || number > most) throw new BadField(name, expectationOf(bounds));
  return number;
}

export function wholeField(fields: Fields, name: string, bounds: Bounds = {}): number {
  const number = optionalWhole(fields, name, bounds);
  if (number === undefined) throw new BadField(name, expectationOf(bounds));
  return number;
}

/** A list of one to `most` whole numbers. */
export function wholeNumbers(fields: Fields, name: string, most: number): number[] {
  const value = fields[name];
  const numbers = Array.isArray(value) ? value.map(wholeNumber) : [];
  if (numbers.length === 0 || numbers.length > most || numbers.includes(undefined)) {
    throw new BadField(name, `1 to ${most} whole numbers are expected`);
  }
  return numbers as number[];
}

const isTime = (value: unknown): value is Date => value instanceof Date && !Number.isNaN(value.getTime());

export function timeField(fields: Fields, name: string): number {
  const value = fields[name];
  if (!isTime(value)) throw new BadField(name, 'a timestamp is expected');
  return value.getTime();
}

/** A timestamp, or the same as a number of milliseconds. */
export function optionalTime(fields: Fields, name: string): number | undefined {
  const value = fields[name];
  if (isMissing(value)) return undefined;
  const ms = isTime(value) ? value.getTime() : wholeNumber(value);
  if (ms === undefined) throw new BadField(name, 'a timestamp is expected');
  return ms;
}

/** Binary, or nothing. */
export function optionalBinary(fields: Fields, name: string): Buffer | undefined {
  const value = fields[name];
  if (isMissing(value)) return undefined;
  if (!Buffer.isBuffer(value)) throw new BadField(name, 'binary is expected');
  return value;
}
