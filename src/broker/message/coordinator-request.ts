import { decodeValue } from './decode.js';
import { findSection, SECTION, scanSections } from './scan.js';
import { DESCRIBED, NULL, readCompound, skipValue } from './wire.js';

/** What a client asks of the coordinator (AMQP 1.0 part 4, section 4.3). */
export type CoordinatorRequest =
  | { readonly kind: 'declare' }
  | { readonly kind: 'discharge'; readonly id: string; readonly fail: boolean };

/** Descriptors of sections 4.5.2 and 4.5.3. */
const DECLARE: readonly unknown[] = [0x31n, 'amqp:declare:list'];
const DISCHARGE: readonly unknown[] = [0x32n, 'amqp:discharge:list'];

const BINARY_8 = 0xa0;
const BINARY_32 = 0xb0;

function binary(bytes: Buffer, start: number, end: number): Buffer | undefined {
  if (bytes[start] === BINARY_8) return bytes.subarray(start + 2, end);
  return bytes[start] === BINARY_32 ? bytes.subarray(start + 5, end) : undefined;
}

/**
 * Reads a message to the coordinator; undefined when it is neither a declare nor a discharge.
 * @throws BrokerError PS_BROKER_MESSAGE_MALFORMED.
 */
export function parseCoordinatorRequest(bytes: Buffer): CoordinatorRequest | undefined {
  const section = findSection(scanSections(bytes), SECTION.value);
  if (section === undefined || bytes[section.valueStart] !== DESCRIBED) return undefined;
  const descriptor = decodeValue(bytes, section.valueStart + 1);
  const { count, start } = readCompound(bytes, descriptor.end, 'list');
  // A transaction that is shared with other resources (a global id) is not offered.
  if (DECLARE.includes(descriptor.value)) return count === 0 || bytes[start] === NULL ? { kind: 'declare' } : undefined;
  if (!DISCHARGE.includes(descriptor.value) || count === 0) return undefined;
  const end = skipValue(bytes, start);
  const id = binary(bytes, start, end);
  if (id === undefined) return undefined;
  const fail = count > 1 && decodeValue(bytes, end).value === true;
  return { kind: 'discharge', id: id.toString('hex'), fail };
}
