import { DESCRIBED, malformed, skipValue } from './wire.js';

/** Descriptor codes of the sections of a message (AMQP 1.0 part 3, section 3.2). */
export const SECTION = {
  header: 0x70,
  deliveryAnnotations: 0x71,
  messageAnnotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
  sequence: 0x76,
  value: 0x77,
  footer: 0x78,
} as const;

export interface Section {
  readonly code: number;
  /** Where the section begins, with its descriptor. */
  readonly start: number;
  /** Where its value begins. */
  readonly valueStart: number;
  readonly end: number;
}

const SYMBOLS: ReadonlyMap<string, number> = new Map([
  ['amqp:header:list', SECTION.header],
  ['amqp:delivery-annotations:map', SECTION.deliveryAnnotations],
  ['amqp:message-annotations:map', SECTION.messageAnnotations],
  ['amqp:properties:list', SECTION.properties],
  ['amqp:application-properties:map', SECTION.applicationProperties],
  ['amqp:data:binary', SECTION.data],
  ['amqp:amqp-sequence:list', SECTION.sequence],
  ['amqp:amqp-value:*', SECTION.value],
  ['amqp:value:*', SECTION.value],
  ['amqp:footer:map', SECTION.footer],
]);

function sectionCode(buffer: Buffer, offset: number, end: number): number {
  switch (buffer[offset]) {
    case 0x53:
      return buffer.readUInt8(offset + 1);
    case 0x80:
      return Number(buffer.readBigUInt64BE(offset + 1));
    case 0xa3:
      return SYMBOLS.get(buffer.toString('latin1', offset + 2, end)) ?? -1;
    default:
      return -1;
  }
}

/**
 * Finds where the sections of an encoded message lie, without decoding them. Sections must come in the order of the
 * standard; only data and sequence sections may repeat.
 * @throws BrokerError PS_BROKER_MESSAGE_MALFORMED.
 */
export function scanSections(buffer: Buffer): Section[] {
  const sections: Section[] = [];
  let at = 0;
  let last = 0;
  while (at < buffer.length) {
    if (buffer[at] !== DESCRIBED) throw malformed('a section without a descriptor');
    const valueStart = skipValue(buffer, at + 1);
    const code = sectionCode(buffer, at + 1, valueStart);
    if (code < SECTION.header || code > SECTION.footer) throw malformed('an unknown section');
    const repeats = code === SECTION.data || code === SECTION.sequence;
    if (code < last || (code === last && !repeats)) throw malformed('sections out of order');
    const end = skipValue(buffer, valueStart);
    sections.push({ code, start: at, valueStart, end });
    last = code;
    at = end;
  }
  return sections;
}

export const findSection = (sections: readonly Section[], code: number): Section | undefined =>
  sections.find((section) => section.code === code);

/** The bytes inside the data section. */
function dataBytes(buffer: Buffer, section: Section): Buffer {
  const code = buffer[section.valueStart];
  if (code === 0xa0) return buffer.subarray(section.valueStart + 2, section.end);
  if (code === 0xb0) return buffer.subarray(section.valueStart + 5, section.end);
  throw malformed('a data section that is not binary');
}

/** A batch of messages in one transfer, as Azure's clients send it. */
export const BATCH_FORMAT = 0x80013700;

/**
 * Splits a batch (message format 0x80013700): its body is a row of data sections, each of them an encoded message. What
 * comes back are views of `buffer`, not copies.
 */
export function splitBatch(buffer: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (const section of scanSections(buffer)) {
    if (section.code === SECTION.data) messages.push(dataBytes(buffer, section));
  }
  return messages;
}
