import { EVENT_CONTENT_TYPE, type TopicMessage } from '../../events/index.js';
import { writeAscii } from '../../shared/ascii.js';
import { DATA_HEADER_BYTES, writeDataHeader } from './encode-hub-batch.js';

/** A batch message and how many messages, from the front, it holds. */
export interface TopicBatch {
  readonly message: Buffer;
  readonly count: number;
}

/**
 * Encodes messages for a topic as one message of format 0x80013700, as the SDK does: the sections of the first message
 * but its body, then a data section for each message (AMQP 1.0, part 3):
 *
 * ```
 * batch                  = head *( data )
 * data                   = %x00 %x53 %x75 %xb0 length:u32 ( head data )     ; 3.2.6
 * head                   = properties application-properties
 * properties             = %x00 %x53 %x73 %xd0 size:u32 count:u32 message-id 5%x40 content-type   ; 3.2.4
 * application-properties = %x00 %x53 %x74 %xd1 size:u32 count:u32 *( string ( string / double ) ) ; 3.2.5
 * ```
 *
 * Numbers are always doubles, whether they happen to be whole or not.
 */
export function createTopicEncoder(maxBatchBytes: number) {
  const scratch = Buffer.allocUnsafeSlow(maxBatchBytes);

  /** As many messages from the front as fit; a count of 0 means that the first alone is too large. */
  return function encodeTopicBatch(messages: readonly TopicMessage[]): TopicBatch {
    const [first] = messages;
    if (first === undefined || headBytes(first) > maxBatchBytes) return { message: NOTHING, count: 0 };
    let at = writeHead(scratch, 0, first);
    let count = 0;
    for (const message of messages) {
      const bodyBytes = Buffer.byteLength(message.body);
      if (at + 2 * DATA_HEADER_BYTES + headBytes(message) + bodyBytes > maxBatchBytes) break;
      const head = writeHead(scratch, at + DATA_HEADER_BYTES, message);
      const body = writeDataHeader(scratch, head, bodyBytes);
      const end = body + scratch.write(message.body, body);
      writeDataHeader(scratch, at, end - at - DATA_HEADER_BYTES);
      at = end;
      count++;
    }
    return { message: count === 0 ? NOTHING : Buffer.from(scratch.subarray(0, at)), count };
  };
}

const NOTHING = Buffer.alloc(0);

const DESCRIBED_LIST32_PROPERTIES = 0x005373d0;
const DESCRIBED_MAP32_APPLICATION_PROPERTIES = 0x005374d1;
const NULL = 0x40;
const DOUBLE = 0x82;
const STRING32 = 0xb1;
const SYMBOL8 = 0xa3;

/** Descriptor and constructor, size, count. */
const COMPOUND_HEADER_BYTES = 12;
const STRING_HEADER_BYTES = 5;
const DOUBLE_BYTES = 9;
const BYTES_PER_CHARACTER = 3;
const CONTENT_TYPE = Buffer.from(EVENT_CONTENT_TYPE, 'latin1');
/** user-id, to, subject, reply-to and correlation-id are null. */
const NULLS_BEFORE_CONTENT_TYPE = 5;
const PROPERTIES_COUNT = 7;

/** The most that the head of a message can take. */
function headBytes({ messageId, applicationProperties }: TopicMessage): number {
  let bytes = 2 * COMPOUND_HEADER_BYTES + stringBytes(messageId) + NULLS_BEFORE_CONTENT_TYPE + 2 + CONTENT_TYPE.length;
  for (const name in applicationProperties) {
    const value = applicationProperties[name] as string | number;
    bytes += stringBytes(name) + (typeof value === 'number' ? DOUBLE_BYTES : stringBytes(value));
  }
  return bytes;
}

const stringBytes = (text: string): number => STRING_HEADER_BYTES + BYTES_PER_CHARACTER * text.length;

function writeHead(into: Buffer, start: number, { messageId, applicationProperties }: TopicMessage): number {
  let at = writeString(into, start + COMPOUND_HEADER_BYTES, messageId);
  into.fill(NULL, at, at + NULLS_BEFORE_CONTENT_TYPE);
  at += NULLS_BEFORE_CONTENT_TYPE;
  at = into.writeUInt8(SYMBOL8, at);
  at = into.writeUInt8(CONTENT_TYPE.length, at);
  at += CONTENT_TYPE.copy(into, at);
  writeCompoundHeader(into, start, { code: DESCRIBED_LIST32_PROPERTIES, end: at, count: PROPERTIES_COUNT });

  const map = at;
  let count = 0;
  at += COMPOUND_HEADER_BYTES;
  for (const name in applicationProperties) {
    const value = applicationProperties[name] as string | number;
    at = writeString(into, at, name);
    at =
      typeof value === 'number' ? into.writeDoubleBE(value, into.writeUInt8(DOUBLE, at)) : writeString(into, at, value);
    count += 2;
  }
  writeCompoundHeader(into, map, { code: DESCRIBED_MAP32_APPLICATION_PROPERTIES, end: at, count });
  return at;
}

function writeString(into: Buffer, at: number, text: string): number {
  const start = at + STRING_HEADER_BYTES;
  let length = text.length > SHORT_TEXT ? 0 : writeAscii(into, start, text);
  if (length < text.length) length = into.write(text, start);
  into[at] = STRING32;
  return into.writeUInt32BE(length, at + 1) + length;
}

/** Up to this length a loop is faster than a call out of JavaScript; most strings are names and ids. */
const SHORT_TEXT = 48;

interface Compound {
  /** Descriptor and constructor. */
  readonly code: number;
  readonly end: number;
  readonly count: number;
}

/** The size counts what follows it (AMQP 1.0, 1.6.22 and 1.6.23). */
function writeCompoundHeader(into: Buffer, start: number, { code, end, count }: Compound): void {
  into.writeUInt32BE(code, start);
  into.writeUInt32BE(end - start - 8, start + 4);
  into.writeUInt32BE(count, start + 8);
}
