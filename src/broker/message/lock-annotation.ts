import { encodeSymbol, mapSection } from './encode.js';
import { SECTION } from './scan.js';

const LOCK_TOKEN = encodeSymbol('x-opt-lock-token');
const UUID = Buffer.of(0x98);
/** Where the size of the header section stands: behind descriptor and constructor. */
const HEADER_SIZE_AT = 4;

/**
 * The bytes of a delivery with its lock token among its delivery annotations, where a message that does not travel in a
 * delivery of its own, and so has no tag, is looked for it by some clients.
 */
export function withLockToken(payload: Buffer, lockToken: string): Buffer {
  const headerEnd = HEADER_SIZE_AT + 1 + payload.readUInt8(HEADER_SIZE_AT);
  const entry = Buffer.concat([LOCK_TOKEN, UUID, Buffer.from(lockToken, 'hex')]);
  const annotations = mapSection(SECTION.deliveryAnnotations, [entry]);
  return Buffer.concat([payload.subarray(0, headerEnd), annotations, payload.subarray(headerEnd)]);
}
