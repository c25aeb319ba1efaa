import fc from 'fast-check';
import rhea from 'rhea';
import { eventBytes, parseIncoming, writeEvent } from '../../../src/broker/message/index.js';

/** Messages as clients encode them: by rhea itself, which knows nothing of the scanner under test. */
export const encode = (message: Record<string, unknown>): Buffer =>
  rhea.message.encode(message as never) as unknown as Buffer;

export const decode = (bytes: Buffer): Record<string, unknown> =>
  rhea.message.decode(bytes as never) as unknown as Record<string, unknown>;

const name = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme-ascii' }).filter((text) => text !== '__proto__');
const text = fc.string({ maxLength: 300, size: 'max' });
const scalar = fc.oneof(
  text,
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Number.isInteger(value)),
  fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }),
);

export const message = fc.record(
  {
    durable: fc.boolean(),
    priority: fc.integer({ min: 0, max: 9 }),
    ttl: fc.integer({ min: 1, max: 0xffff_ffff }),
    message_annotations: fc.dictionary(name, scalar, { maxKeys: 5, noNullPrototype: true }),
    message_id: text,
    to: text,
    subject: text,
    reply_to: text,
    correlation_id: text,
    content_type: fc.string({ maxLength: 60, unit: 'grapheme-ascii' }),
    group_id: text,
    application_properties: fc.dictionary(name, scalar, { maxKeys: 8, noNullPrototype: true }),
    body: fc.oneof(
      fc
        .uint8Array({ maxLength: 2000, size: 'max' })
        .map((bytes) => rhea.message.data_section(Buffer.from(bytes) as never)),
      fc
        .array(fc.uint8Array({ maxLength: 50 }), { minLength: 2, maxLength: 4 })
        .map((parts) => rhea.message.data_sections(parts.map((bytes) => Buffer.from(bytes)) as never)),
      text,
      fc.array(fc.integer(), { maxLength: 5 }).map((list) => rhea.message.sequence_section(list as never)),
      fc.dictionary(name, scalar, { maxKeys: 4, noNullPrototype: true }),
    ),
  },
  { requiredKeys: ['body'] },
);

/** The record of an event as it lies between others in a block of memory. */
export function recordOf(raw: Buffer, fields: Parameters<typeof writeEvent>[3]): Buffer {
  const incoming = parseIncoming(raw);
  const end = 7 + eventBytes(incoming, fields.offset);
  const block = Buffer.alloc(end + 7, 0xee);
  writeEvent(block, 7, incoming, fields);
  const around = Buffer.concat([block.subarray(0, 7), block.subarray(end)]);
  if (!around.equals(Buffer.alloc(14, 0xee))) throw new Error('an event was written outside of its place');
  return block.subarray(7, end);
}
