/**
 * The message that carries a batch (Azure, "AMQP 1.0 in Event Hubs": message format 0x80013700): data sections, each of
 * which holds one encoded event. Of an event there is here what a pack needs (AMQP 1.0, part 3):
 *
 * ```
 * message = *( %x00 %x53 %x75 %xb0 length:u32 event )                       ; data sections, 3.2.6
 * event   = %x00 %x53 %x73 %xc0 size:u8 %x07 6%x40 %xa3 length:u8 symbol    ; properties with content-type, 3.2.4
 *           %x00 %x53 %x75 %xb0 length:u32 body
 * ```
 *
 * @param contentType an AMQP symbol: ASCII, up to 200 characters
 */
export function encodeHubBatch(bodies: readonly Buffer[], contentType: string): Buffer {
  const properties = encodeProperties(contentType);
  const framing = 2 * DATA_HEADER_BYTES + properties.length;
  let size = 0;
  for (const body of bodies) size += framing + body.length;
  // Of its exact size and never zeroed: the largest allocation on the way of an event.
  const message = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const body of bodies) {
    at = writeDataHeader(message, at, properties.length + DATA_HEADER_BYTES + body.length);
    at += properties.copy(message, at);
    at = writeDataHeader(message, at, body.length);
    at += body.copy(message, at);
  }
  return message;
}

/** Descriptor and constructor of a data section, and the length of its binary. */
export const DATA_HEADER_BYTES = 8;
const DATA_BINARY32 = 0x005375b0;

/** Answers the position behind it. */
export function writeDataHeader(into: Buffer, at: number, lengthBytes: number): number {
  into.writeUInt32BE(DATA_BINARY32, at);
  return into.writeUInt32BE(lengthBytes, at + 4);
}

const PROPERTIES_LIST8 = [0x00, 0x53, 0x73, 0xc0];
/** message-id, user-id, to, subject, reply-to and correlation-id are null. */
const BEFORE_CONTENT_TYPE = [0x40, 0x40, 0x40, 0x40, 0x40, 0x40];
const SYMBOL8 = 0xa3;

function encodeProperties(contentType: string): Buffer {
  const symbol = Buffer.from(contentType, 'latin1');
  const fields = Buffer.from([...BEFORE_CONTENT_TYPE, SYMBOL8, symbol.length, ...symbol]);
  const count = BEFORE_CONTENT_TYPE.length + 1;
  return Buffer.from([...PROPERTIES_LIST8, fields.length + 1, count, ...fields]);
}
