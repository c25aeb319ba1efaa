import type { FilterValue } from '../topology/types.js';
import { DESCRIBED, malformed, NULL, readCompound, skipValue } from './wire.js';

/**
 * Values as filters see them: whole numbers of every width are `bigint`, floating ones `number`, symbols and UUIDs
 * strings. Binary, lists, maps, arrays and decimals are `undefined`: nothing that is decided here looks at them.
 */
export type Decoded = FilterValue | undefined;

const utf8 = (buffer: Buffer, start: number, length: number) => buffer.toString('utf8', start, start + length);

function uuid(buffer: Buffer, at: number): string {
  const hex = buffer.toString('hex', at, at + 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Decodes the scalar at `offset`; the caller knows from `skipValue` that it is whole. */
function decodeScalar(buffer: Buffer, offset: number): Decoded {
  const at = offset + 1;
  switch (buffer[offset]) {
    case NULL:
      return null;
    case 0x41:
      return true;
    case 0x42:
      return false;
    case 0x56:
      return buffer[at] !== 0;
    case 0x43:
    case 0x44:
      return 0n;
    case 0x50:
    case 0x52:
    case 0x53:
      return BigInt(buffer.readUInt8(at));
    case 0x51:
    case 0x54:
    case 0x55:
      return BigInt(buffer.readInt8(at));
    case 0x60:
      return BigInt(buffer.readUInt16BE(at));
    case 0x61:
      return BigInt(buffer.readInt16BE(at));
    case 0x70:
      return BigInt(buffer.readUInt32BE(at));
    case 0x71:
      return BigInt(buffer.readInt32BE(at));
    case 0x80:
      return buffer.readBigUInt64BE(at);
    case 0x81:
      return buffer.readBigInt64BE(at);
    case 0x72:
      return buffer.readFloatBE(at);
    case 0x82:
      return buffer.readDoubleBE(at);
    case 0x73:
      return character(buffer.readUInt32BE(at));
    case 0x83:
      return new Date(Number(buffer.readBigInt64BE(at)));
    case 0x98:
      return uuid(buffer, at);
    case 0xa1:
    case 0xa3:
      return utf8(buffer, at + 1, buffer.readUInt8(at));
    case 0xb1:
    case 0xb3:
      return utf8(buffer, at + 4, buffer.readUInt32BE(at));
    default:
      return undefined;
  }
}

const character = (code: number) => (code <= 0x10ffff ? String.fromCodePoint(code) : undefined);

/** The value at `offset` and where it ends. A described value is decoded without its descriptor. */
export function decodeValue(buffer: Buffer, offset: number): { value: Decoded; end: number } {
  const end = skipValue(buffer, offset);
  let at = offset;
  while (buffer[at] === DESCRIBED) at = skipValue(buffer, at + 1);
  return { value: decodeScalar(buffer, at), end };
}

/** The elements of the list at `offset`, as a composite (header, properties) has them. */
export function decodeList(buffer: Buffer, offset: number): Decoded[] {
  const { count, start, end } = readCompound(buffer, offset, 'list');
  const values: Decoded[] = [];
  let at = start;
  for (let index = 0; index < count; index++) {
    const element = decodeValue(buffer, at);
    if (element.end > end) throw malformed('a list runs past its size');
    values.push(element.value);
    at = element.end;
  }
  return values;
}

export interface MapEntry {
  readonly key: string;
  /** The whole entry, key and value, as it lies in the buffer. */
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

/** Where each entry of the map at `offset` lies. Entries whose key is no string or symbol are left out. */
export function mapEntries(buffer: Buffer, offset: number): MapEntry[] {
  const { count, start, end } = readCompound(buffer, offset, 'map');
  if (count % 2 !== 0) throw malformed('a map with an odd number of elements');
  const entries: MapEntry[] = [];
  let at = start;
  for (let index = 0; index < count; index += 2) {
    const key = decodeValue(buffer, at);
    const valueEnd = skipValue(buffer, key.end);
    if (valueEnd > end) throw malformed('a map runs past its size');
    if (typeof key.value === 'string') entries.push({ key: key.value, start: at, valueStart: key.end, end: valueEnd });
    at = valueEnd;
  }
  return entries;
}
