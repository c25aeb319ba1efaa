import { type Scan, scanValue } from './values.js';
import { decodeError, ProtocolViolation } from './violation.js';

/*
 * The performatives of AMQP 1.0 (part 2, section 2.7), field by field, as a client may send them. `!` marks fields that
 * must be there.
 */
const TYPES = {
  uint: [0x70, 0x52, 0x43],
  ushort: [0x60],
  ubyte: [0x50],
  boolean: [0x41, 0x42, 0x56],
  ulong: [0x80, 0x53, 0x44],
  string: [0xa1, 0xb1],
  symbol: [0xa3, 0xb3],
  symbols: [0xa3, 0xb3, 0xe0, 0xf0],
  binary: [0xa0, 0xb0],
  map: [0xc1, 0xd1],
  described: [0x00],
} as const;
type FieldType = keyof typeof TYPES;
export type Field = FieldType | `${FieldType}!` | 'terminus' | 'any';

const CODE = {
  open: 0x10,
  begin: 0x11,
  attach: 0x12,
  flow: 0x13,
  transfer: 0x14,
  disposition: 0x15,
  detach: 0x16,
  end: 0x17,
  close: 0x18,
} as const;
type PerformativeName = keyof typeof CODE;

const FIELDS: Readonly<Record<PerformativeName, readonly Field[]>> = {
  open: ['string!', 'string', 'uint', 'ushort', 'uint', 'symbols', 'symbols', 'symbols', 'symbols', 'map'],
  begin: ['ushort', 'uint!', 'uint!', 'uint!', 'uint', 'symbols', 'symbols', 'map'],
  attach: [
    ...(['string!', 'uint!', 'boolean!', 'ubyte', 'ubyte', 'terminus', 'terminus', 'map', 'boolean'] as const),
    ...(['uint', 'ulong', 'symbols', 'symbols', 'map'] as const),
  ],
  flow: ['uint', 'uint!', 'uint!', 'uint!', 'uint', 'uint', 'uint', 'uint', 'boolean', 'boolean', 'map'],
  transfer: [
    ...(['uint!', 'uint', 'binary', 'uint', 'boolean', 'boolean', 'ubyte', 'described', 'boolean'] as const),
    ...(['boolean', 'boolean'] as const),
  ],
  disposition: ['boolean!', 'uint!', 'uint', 'boolean', 'described', 'boolean'],
  detach: ['uint!', 'boolean', 'described'],
  end: ['described'],
  close: ['described'],
};
/** A terminus: its address has to be text. */
const TERMINUS: readonly Field[] = ['string'];
/** The target of a link to the coordinator of transactions has capabilities alone (part 4, section 4.5.1). */
const COORDINATOR: readonly Field[] = ['symbols'];
const COORDINATOR_DESCRIPTORS = [
  '5330',
  '800000000000000030',
  `a315${Buffer.from('amqp:coordinator:list').toString('hex')}`,
];

const BY_CODE = new Map(Object.entries(CODE).map(([name, code]) => [code as number, name as PerformativeName]));
const BY_SYMBOL = new Map(Object.keys(CODE).map((name) => [`amqp:${name}:list`, name as PerformativeName]));
const NULL = 0x40;
const LIST0 = 0x45;

/** How many fields each performative and nested composite of the specification has, by descriptor. */
export const FIELD_COUNTS: ReadonlyMap<number, number> = new Map([
  ...Object.entries(CODE).map(([name, code]) => [code, FIELDS[name as PerformativeName].length] as const),
  [0x1d, 3], // error
  [0x23, 2], // received
  [0x25, 1], // rejected
  [0x27, 3], // modified
  [0x28, 11], // source
  [0x29, 7], // target
]);

export interface Performative {
  readonly name: PerformativeName;
  /** An unsigned field; undefined when it is null or not there. */
  uint(index: number): number | undefined;
  flag(index: number): boolean;
  /** Length in bytes of a string or binary field, 0 when it is not there. */
  lengthOf(index: number): number;
  /** Where the performative ends and the payload begins. */
  readonly end: number;
}

const invalidField = (what: string, index: number) =>
  new ProtocolViolation('amqp:invalid-field', `field ${index} of ${what} is missing or of the wrong type`);

function descriptorOf(bytes: Buffer, at: number, end: number): PerformativeName | undefined {
  const code = bytes[at];
  if (code === 0x53) return BY_CODE.get(bytes.readUInt8(at + 1));
  if (code === 0x80) return BY_CODE.get(Number(bytes.readBigUInt64BE(at + 1)));
  return code === 0xa3 ? BY_SYMBOL.get(bytes.toString('latin1', at + 2, end)) : undefined;
}

/** Where the items of the list at `at` begin. The list was scanned. */
function listItems(bytes: Buffer, at: number): { count: number; at: number } | undefined {
  switch (bytes[at]) {
    case LIST0:
      return { count: 0, at: at + 1 };
    case 0xc0:
      return { count: bytes.readUInt8(at + 2), at: at + 3 };
    case 0xd0:
      return { count: bytes.readUInt32BE(at + 5), at: at + 9 };
    default:
      return undefined;
  }
}

/** Offsets of the fields of a list whose types are checked; a list may be shorter than `fields`. */
export function checkFields(scan: Scan, at: number, what: string, fields: readonly Field[]): number[] {
  const { bytes } = scan;
  const list = listItems(bytes, at);
  if (list === undefined) throw decodeError(`${what} is not a list`);
  if (what !== 'terminus' && list.count > fields.length) throw decodeError(`${what} has too many fields`);
  const offsets: number[] = [];
  let position = list.at;
  for (let index = 0; index < Math.min(list.count, fields.length); index++) {
    checkField(scan, position, fields[index] as Field, () => invalidField(what, index));
    offsets.push(position);
    position = scanValue(scan, position, bytes.length);
  }
  const mandatory = fields.findLastIndex((field) => field.endsWith('!'));
  if (list.count <= mandatory) throw invalidField(what, list.count);
  return offsets;
}

function checkField(scan: Scan, at: number, field: Field, invalid: () => Error): void {
  const code = scan.bytes[at] as number;
  if (field === 'any' || (code === NULL && !field.endsWith('!'))) return;
  if (field === 'terminus') {
    if (code !== 0x00) throw invalid();
    const start = scanValue(scan, at + 1, scan.bytes.length);
    const isCoordinator = COORDINATOR_DESCRIPTORS.includes(
      scan.bytes.toString('hex', at + 1, Math.min(start, at + 32)),
    );
    checkFields(scan, start, 'terminus', isCoordinator ? COORDINATOR : TERMINUS);
    return;
  }
  const type = (field.endsWith('!') ? field.slice(0, -1) : field) as FieldType;
  if (!(TYPES[type] as readonly number[]).includes(code)) throw invalid();
}

function readUint(bytes: Buffer, at: number): number | undefined {
  switch (bytes[at]) {
    case 0x43:
      return 0;
    case 0x52:
    case 0x50:
      return bytes.readUInt8(at + 1);
    case 0x60:
      return bytes.readUInt16BE(at + 1);
    case 0x70:
      return bytes.readUInt32BE(at + 1);
    default:
      return undefined;
  }
}

/** The bytes of a string, symbol or binary; undefined for null. */
export function readBytes(bytes: Buffer, at: number): Buffer | undefined {
  const code = bytes[at];
  if (code === undefined || code === NULL) return undefined;
  const start = at + (code < 0xb0 ? 2 : 5);
  return bytes.subarray(start, start + (code < 0xb0 ? bytes.readUInt8(at + 1) : bytes.readUInt32BE(at + 1)));
}

/** Largest performative, payload not counted, and most values in it. */
const MAX_BYTES = 64 * 1024;
const MAX_VALUES = 8192;

/**
 * Reads what has to be known of the performative at `at`.
 * @throws ProtocolViolation unless it is one of the specification with fields of the right types.
 */
export function readPerformative(bytes: Buffer, at: number): Performative {
  const scan: Scan = { bytes, budget: MAX_VALUES };
  if (bytes[at] !== 0x00) throw decodeError('a frame without a performative');
  const limit = Math.min(bytes.length, at + MAX_BYTES);
  const listAt = scanValue(scan, at + 1, limit);
  const name = descriptorOf(bytes, at + 1, listAt);
  if (name === undefined) throw decodeError('an unknown performative');
  const end = scanValue(scan, listAt, limit);
  scan.budget = MAX_VALUES * 2;
  const offsets = checkFields(scan, listAt, name, FIELDS[name]);
  const offset = (index: number) => offsets[index] ?? -1;
  return {
    name,
    end,
    uint: (index) => readUint(bytes, offset(index)),
    flag: (index) => bytes[offset(index)] === 0x41 || (bytes[offset(index)] === 0x56 && bytes[offset(index) + 1] === 1),
    lengthOf: (index) => readBytes(bytes, offset(index))?.length ?? 0,
  };
}
