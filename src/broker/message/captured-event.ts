import { BrokerError } from '../errors.js';
import { decodeValue, mapEntries } from './decode.js';
import { findSection, SECTION, type Section, scanSections } from './scan.js';
import { eventEnqueuedAtMs, eventPayload } from './stored-event.js';
import { malformed, readCompound, skipValue } from './wire.js';

/** Whole numbers are `bigint`, floating ones `number`. */
type CapturedValue = bigint | number | string | Buffer | null;
type CapturedProperty = readonly [name: string, value: CapturedValue];

/** An event as Capture shows it. */
export interface CapturedEvent {
  readonly offset: string;
  readonly enqueuedAtMs: number;
  /** Message annotations and the properties section, by their names in the standard. */
  readonly systemProperties: readonly CapturedProperty[];
  readonly properties: readonly CapturedProperty[];
  /** The parts of the body one after the other; undefined when the event has none. */
  readonly body: readonly Buffer[] | undefined;
}

/** The properties section, field by field (AMQP 1.0 part 3, section 3.2.4). */
const PROPERTY_NAMES = [
  'message-id',
  'user-id',
  'to',
  'subject',
  'reply-to',
  'correlation-id',
  'content-type',
  'content-encoding',
  'absolute-expiry-time',
  'creation-time',
  'group-id',
  'group-sequence',
  'reply-to-group-id',
] as const;

/** Annotations that have a column of their own. */
const COLUMNS = new Set(['x-opt-sequence-number', 'x-opt-offset', 'x-opt-enqueued-time']);

const MAX_LONG = 2n ** 63n - 1n;

/** The bytes of a binary value; undefined when it is none. */
function binaryAt(buffer: Buffer, offset: number, end: number): Buffer | undefined {
  if (buffer[offset] === 0xa0) return buffer.subarray(offset + 2, end);
  return buffer[offset] === 0xb0 ? buffer.subarray(offset + 5, end) : undefined;
}

/** What has no type of its own in a file is written as text (booleans, times, huge numbers), or else as its AMQP encoding. */
function valueAt(buffer: Buffer, offset: number): CapturedValue {
  const { value, end } = decodeValue(buffer, offset);
  if (value === undefined) return binaryAt(buffer, offset, end) ?? buffer.subarray(offset, end);
  if (typeof value === 'boolean') return String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  return typeof value === 'bigint' && value > MAX_LONG ? value.toString() : value;
}

const entriesOf = (raw: Buffer, section: Section | undefined): CapturedProperty[] =>
  section === undefined
    ? []
    : mapEntries(raw, section.valueStart).map(({ key, valueStart }) => [key, valueAt(raw, valueStart)]);

/** Whoever sent the event may have written nonsense into a section: that section is left out, the event is not. */
function whatCanBeRead(read: () => CapturedProperty[]): CapturedProperty[] {
  try {
    return read();
  } catch (error) {
    if (error instanceof BrokerError) return [];
    throw error;
  }
}

function listed(raw: Buffer, section: Section | undefined): CapturedProperty[] {
  if (section === undefined) return [];
  const { count, start, end } = readCompound(raw, section.valueStart, 'list');
  const found: CapturedProperty[] = [];
  let at = start;
  for (let index = 0; index < count; index++) {
    const next = skipValue(raw, at);
    if (next > end) throw malformed('a list runs past its size');
    const name = PROPERTY_NAMES[index];
    if (name !== undefined) found.push([name, valueAt(raw, at)]);
    at = next;
  }
  return found;
}

function bodyOf(raw: Buffer, sections: readonly Section[]): readonly Buffer[] | undefined {
  const data = sections.filter(({ code }) => code === SECTION.data);
  if (data.length > 0)
    return data.map(({ valueStart, end }) => binaryAt(raw, valueStart, end) ?? raw.subarray(valueStart, end));
  const value = findSection(sections, SECTION.value);
  if (value !== undefined) {
    const decoded = valueAt(raw, value.valueStart);
    if (decoded === null) return undefined;
    if (typeof decoded === 'string') return [Buffer.from(decoded, 'utf8')];
    return [Buffer.isBuffer(decoded) ? decoded : raw.subarray(value.valueStart, value.end)];
  }
  const sequences = sections.filter(({ code }) => code === SECTION.sequence);
  return sequences.length === 0 ? undefined : sequences.map(({ valueStart, end }) => raw.subarray(valueStart, end));
}

/** Reads a stored event for a file of Capture. */
export function capturedEvent(record: Buffer): CapturedEvent {
  const raw = eventPayload(record);
  const sections = scanSections(raw);
  const section = (code: number) => findSection(sections, code);
  const annotations = whatCanBeRead(() => entriesOf(raw, section(SECTION.messageAnnotations)));
  const offset = annotations.find(([name]) => name === 'x-opt-offset')?.[1];
  const system = [
    ...annotations.filter(([name]) => !COLUMNS.has(name)),
    ...whatCanBeRead(() => listed(raw, section(SECTION.properties))),
  ];
  return {
    offset: typeof offset === 'string' ? offset : '',
    enqueuedAtMs: eventEnqueuedAtMs(record),
    // The union of system properties has no null.
    systemProperties: system.filter(([, value]) => value !== null),
    properties: whatCanBeRead(() => entriesOf(raw, section(SECTION.applicationProperties))),
    body: bodyOf(raw, sections),
  };
}
