import type { FilterValue } from '../topology/types.js';

/**
 * The few AMQP encodings that the broker writes itself: sections that it adds in front of the untouched bytes of a
 * message. Each function answers a value with its constructor.
 */
function encodeLong(value: number | bigint): Buffer {
  const buffer = Buffer.allocUnsafe(9);
  buffer[0] = 0x81;
  buffer.writeBigInt64BE(BigInt(value), 1);
  return buffer;
}

function encodeTimestamp(ms: number): Buffer {
  const buffer = encodeLong(ms);
  buffer[0] = 0x83;
  return buffer;
}

function encodeText(text: string, small: number): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  const wide = bytes.length > 255;
  const head = Buffer.allocUnsafe(wide ? 5 : 2);
  head[0] = wide ? small + 0x10 : small;
  if (wide) head.writeUInt32BE(bytes.length, 1);
  else head[1] = bytes.length;
  return Buffer.concat([head, bytes]);
}

export const encodeString = (text: string): Buffer => encodeText(text, 0xa1);
export const encodeSymbol = (text: string): Buffer => encodeText(text, 0xa3);

/** A value of an application property. */
export function encodeFilterValue(value: FilterValue): Buffer {
  if (value === null) return Buffer.of(0x40);
  if (typeof value === 'string') return encodeString(value);
  if (typeof value === 'boolean') return Buffer.of(value ? 0x41 : 0x42);
  if (typeof value === 'bigint') return encodeLong(value);
  if (value instanceof Date) return encodeTimestamp(value.getTime());
  const buffer = Buffer.allocUnsafe(9);
  buffer[0] = 0x82;
  buffer.writeDoubleBE(value, 1);
  return buffer;
}

/** Bytes of `00 53 code d1 size count`: descriptor and head of a map section. */
export const MAP_SECTION_HEAD_BYTES = 12;

export interface MapSection {
  readonly code: number;
  readonly entries: number;
  /** Of all entries, which follow. */
  readonly bytes: number;
}

/** Writes the head of a map section and answers where its entries begin. */
export function writeMapSectionHead(into: Buffer, offset: number, { code, entries, bytes }: MapSection): number {
  into[offset] = 0x00;
  into[offset + 1] = 0x53;
  into[offset + 2] = code;
  into[offset + 3] = 0xd1;
  into.writeUInt32BE(bytes + 4, offset + 4);
  into.writeUInt32BE(entries * 2, offset + 8);
  return offset + MAP_SECTION_HEAD_BYTES;
}

export function mapSectionHead(code: number, entries: number, bytes: number): Buffer {
  const head = Buffer.allocUnsafe(MAP_SECTION_HEAD_BYTES);
  writeMapSectionHead(head, 0, { code, entries, bytes });
  return head;
}

/** A whole map section of entries that are encoded already, key and value one after the other. */
export function mapSection(code: number, entries: readonly Buffer[]): Buffer {
  const bytes = entries.reduce((sum, entry) => sum + entry.length, 0);
  return Buffer.concat([mapSectionHead(code, entries.length, bytes), ...entries]);
}

export interface HeaderFields {
  readonly durable: boolean;
  readonly priority: number;
  /** Undefined when the sender gave none. */
  readonly ttlMs: number | undefined;
  readonly deliveryCount: number;
}

const MAX_UINT = 0xffff_ffff;

/** The header section: `[durable, priority, ttl, first-acquirer, delivery-count]`. Every delivery has one of its own. */
export function headerSection({ durable, priority, ttlMs, deliveryCount }: HeaderFields): Buffer {
  const section = Buffer.allocUnsafe(ttlMs === undefined ? 16 : 20);
  section[0] = 0x00;
  section[1] = 0x53;
  section[2] = 0x70;
  section[3] = 0xc0;
  section[4] = section.length - 5;
  section[5] = 5;
  section[6] = durable ? 0x41 : 0x42;
  section[7] = 0x50;
  section[8] = priority;
  let at = 9;
  if (ttlMs === undefined) section[at++] = 0x40;
  else {
    section[at] = 0x70;
    at = section.writeUInt32BE(Math.min(ttlMs, MAX_UINT), at + 1);
  }
  section[at] = 0x42;
  section[at + 1] = 0x70;
  section.writeUInt32BE(deliveryCount, at + 2);
  return section;
}
