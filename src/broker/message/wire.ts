import { BrokerError } from '../errors.js';

/**
 * Type codes and sizes of AMQP 1.0 (part 1, section 1.2): the high nibble of a constructor says how wide a value is,
 * so that a value can be skipped without being understood.
 */
export const NULL = 0x40;
export const DESCRIBED = 0x00;
/** Deepest nesting of described values, maps and lists that is read. */
const MAX_DEPTH = 32;

export const malformed = (what: string): BrokerError =>
  new BrokerError('PS_BROKER_MESSAGE_MALFORMED', `not an AMQP message: ${what}`);

function checkedEnd(buffer: Buffer, end: number, what: string): number {
  if (end > buffer.length) throw malformed(`${what} runs past the end`);
  return end;
}

/** Where the value whose constructor byte `code` was just read (at `offset - 1`) ends. */
function endOfValue(buffer: Buffer, code: number, offset: number): number {
  switch (code >>> 4) {
    case 0x4:
      return offset;
    case 0x5:
      return checkedEnd(buffer, offset + 1, 'a value');
    case 0x6:
      return checkedEnd(buffer, offset + 2, 'a value');
    case 0x7:
      return checkedEnd(buffer, offset + 4, 'a value');
    case 0x8:
      return checkedEnd(buffer, offset + 8, 'a value');
    case 0x9:
      return checkedEnd(buffer, offset + 16, 'a value');
    case 0xa:
    case 0xc:
    case 0xe:
      checkedEnd(buffer, offset + 1, 'a size');
      return checkedEnd(buffer, offset + 1 + buffer.readUInt8(offset), 'a value');
    case 0xb:
    case 0xd:
    case 0xf:
      checkedEnd(buffer, offset + 4, 'a size');
      return checkedEnd(buffer, offset + 4 + buffer.readUInt32BE(offset), 'a value');
    default:
      throw malformed(`type code 0x${code.toString(16)}`);
  }
}

/** Where the value that begins at `offset`, constructor and descriptor included, ends. */
export function skipValue(buffer: Buffer, offset: number, depth = 0): number {
  if (offset >= buffer.length) throw malformed('it ends in the middle of a value');
  const code = buffer[offset] as number;
  if (code !== DESCRIBED) return endOfValue(buffer, code, offset + 1);
  if (depth >= MAX_DEPTH) throw malformed('nested too deeply');
  return skipValue(buffer, skipValue(buffer, offset + 1, depth + 1), depth + 1);
}

export interface Compound {
  readonly count: number;
  /** First element. */
  readonly start: number;
  readonly end: number;
}

/** The extent of the list or map whose constructor is at `offset`. */
export function readCompound(buffer: Buffer, offset: number, kind: 'list' | 'map'): Compound {
  const code = buffer[offset];
  const [tiny, small, large] = kind === 'list' ? [0x45, 0xc0, 0xd0] : [-1, 0xc1, 0xd1];
  if (code === tiny) return { count: 0, start: offset + 1, end: offset + 1 };
  if (code !== small && code !== large) throw malformed(`a ${kind} was expected`);
  const width = code === small ? 1 : 4;
  const end = endOfValue(buffer, code, offset + 1);
  const start = offset + 1 + 2 * width;
  if (start > end) throw malformed(`a ${kind} without a count`);
  const count = width === 1 ? buffer.readUInt8(offset + 2) : buffer.readUInt32BE(offset + 5);
  // Each element takes at least its constructor byte.
  if (count > end - start) throw malformed(`a ${kind} counts more than it holds`);
  return { count, start, end };
}
