import type { FilterableMessage, SystemProperty } from '../filters/message.js';
import type { FilterValue } from '../topology/types.js';
import { type Decoded, decodeList, decodeValue, mapEntries } from './decode.js';
import { findSection, SECTION, type Section, scanSections } from './scan.js';
import { malformed } from './wire.js';

/** A message as a client sent it, with what the broker has to know of it. Its body is never decoded. */
export interface IncomingMessage {
  readonly raw: Buffer;
  readonly durable: boolean;
  readonly priority: number;
  /** Time to live that the sender asked for; undefined when none. */
  readonly ttlMs: number | undefined;
  readonly messageId: string | undefined;
  readonly sessionId: string | undefined;
  readonly partitionKey: string | undefined;
  /** The key of the entity by way of which it is sent. */
  readonly viaPartitionKey: string | undefined;
  /** When it is to be enqueued, where the sender scheduled it. */
  readonly scheduledEnqueueTimeMs: number | undefined;
  /** The sender's message annotations, each entry as it was encoded. */
  readonly annotations: readonly Buffer[];
  /** Header section as it was sent, empty when there was none. */
  readonly header: Buffer;
  /** Properties, application properties, body and footer, untouched. */
  readonly bare: Buffer;
  /** What filters see. */
  readonly filterable: FilterableMessage;
  /** How often it was forwarded from entity to entity. */
  readonly hops: number;
  /** The sequence number that it got where it first arrived; undefined until then. */
  readonly enqueuedSequence: number | undefined;
  /** A rule's action has changed `bare`, so that the other fields tell of the message before it. */
  readonly rewritten: boolean;
}

/** Positions in the properties section (AMQP 1.0 part 3, section 3.2.4). */
export const PROPERTY = {
  messageId: 0,
  to: 2,
  subject: 3,
  replyTo: 4,
  correlationId: 5,
  contentType: 6,
  groupId: 10,
  replyToGroupId: 12,
} as const;

/** Where the system properties that filters know lie in the properties section. */
export const SYSTEM_TO_PROPERTY: Partial<Record<SystemProperty, number>> = {
  MessageId: PROPERTY.messageId,
  To: PROPERTY.to,
  Subject: PROPERTY.subject,
  ReplyTo: PROPERTY.replyTo,
  CorrelationId: PROPERTY.correlationId,
  ContentType: PROPERTY.contentType,
  SessionId: PROPERTY.groupId,
  ReplyToSessionId: PROPERTY.replyToGroupId,
};

/** Annotations that only the broker may set; a sender's own are dropped. */
const OWN_ANNOTATIONS = new Set([
  'x-opt-sequence-number',
  'x-opt-enqueued-time',
  'x-opt-locked-until',
  'x-opt-message-state',
  'x-opt-enqueue-sequence-number',
  'x-opt-offset',
  'x-opt-deadletter-source',
]);

/** Ids as text; some clients send numbers. */
export const idText = (value: Decoded): string | undefined =>
  typeof value === 'string' ? value : typeof value === 'bigint' ? value.toString() : undefined;

/** Of these, what a message that the broker itself forwards takes along. */
const KEPT_WHEN_FORWARDED = 'x-opt-deadletter-source';

function readAnnotations(raw: Buffer, section: Section | undefined, forwarded: boolean) {
  const kept: Buffer[] = [];
  let partitionKey: string | undefined;
  let viaPartitionKey: string | undefined;
  let scheduledEnqueueTimeMs: number | undefined;
  for (const entry of section ? mapEntries(raw, section.valueStart) : []) {
    if (OWN_ANNOTATIONS.has(entry.key) && !(forwarded && entry.key === KEPT_WHEN_FORWARDED)) continue;
    kept.push(raw.subarray(entry.start, entry.end));
    if (entry.key === 'x-opt-partition-key') partitionKey = idText(decodeValue(raw, entry.valueStart).value);
    if (entry.key === 'x-opt-via-partition-key') viaPartitionKey = idText(decodeValue(raw, entry.valueStart).value);
    if (entry.key === 'x-opt-scheduled-enqueue-time') {
      const { value } = decodeValue(raw, entry.valueStart);
      if (value instanceof Date) scheduledEnqueueTimeMs = value.getTime();
    }
  }
  return { kept, partitionKey, viaPartitionKey, scheduledEnqueueTimeMs };
}

/** Application properties by lower-case name. Decoded once, and only when a filter asks. */
function applicationProperties(raw: Buffer, sections: readonly Section[]): Map<string, FilterValue> {
  const section = findSection(sections, SECTION.applicationProperties);
  const values = new Map<string, FilterValue>();
  for (const entry of section ? mapEntries(raw, section.valueStart) : []) {
    const { value } = decodeValue(raw, entry.valueStart);
    if (value !== undefined) values.set(entry.key.toLowerCase(), value);
  }
  return values;
}

interface Annotated {
  readonly partitionKey: string | undefined;
  readonly scheduledEnqueueTimeMs: number | undefined;
}

/** What filters see of a message. A class, since every message has one. */
class MessageView implements FilterableMessage {
  readonly #raw: Buffer;
  readonly #sections: readonly Section[];
  readonly #properties: readonly Decoded[];
  readonly #annotated: Annotated;
  #applicationProperties: ReadonlyMap<string, FilterValue> | undefined;

  constructor(raw: Buffer, sections: readonly Section[], properties: readonly Decoded[], annotated: Annotated) {
    this.#raw = raw;
    this.#sections = sections;
    this.#properties = properties;
    this.#annotated = annotated;
  }

  system(name: SystemProperty): FilterValue | undefined {
    const index = SYSTEM_TO_PROPERTY[name];
    if (index !== undefined) return this.#properties[index] ?? null;
    const { partitionKey, scheduledEnqueueTimeMs } = this.#annotated;
    if (name === 'PartitionKey') return partitionKey ?? null;
    if (name === 'ScheduledEnqueueTimeUtc' && scheduledEnqueueTimeMs !== undefined) {
      return new Date(scheduledEnqueueTimeMs);
    }
    return null;
  }

  property(name: string): FilterValue | undefined {
    this.#applicationProperties ??= applicationProperties(this.#raw, this.#sections);
    return this.#applicationProperties.get(name.toLowerCase());
  }
}

function bareStart(raw: Buffer, sections: readonly Section[]): number {
  for (const section of sections) if (section.code >= SECTION.properties) return section.start;
  return raw.length;
}

/**
 * Reads what the broker needs of an encoded message.
 * @throws BrokerError PS_BROKER_MESSAGE_MALFORMED.
 */
export const parseIncoming = (raw: Buffer): IncomingMessage => parse(raw, false);

/** The same of a message that comes out of a queue of the broker's own. */
export const parseForwarded = (raw: Buffer): IncomingMessage => parse(raw, true);

function parse(raw: Buffer, forwarded: boolean): IncomingMessage {
  const sections = scanSections(raw);
  if (sections.length === 0) throw malformed('it is empty');
  const headerSection = findSection(sections, SECTION.header);
  const header = headerSection ? decodeList(raw, headerSection.valueStart) : [];
  const propertiesSection = findSection(sections, SECTION.properties);
  const properties = propertiesSection ? decodeList(raw, propertiesSection.valueStart) : [];
  const annotations = readAnnotations(raw, findSection(sections, SECTION.messageAnnotations), forwarded);
  return {
    raw,
    durable: header[0] === true,
    priority: typeof header[1] === 'bigint' ? Number(header[1]) : 4,
    ttlMs: typeof header[2] === 'bigint' ? Number(header[2]) : undefined,
    messageId: idText(properties[PROPERTY.messageId]),
    sessionId: idText(properties[PROPERTY.groupId]),
    partitionKey: annotations.partitionKey,
    viaPartitionKey: annotations.viaPartitionKey,
    scheduledEnqueueTimeMs: annotations.scheduledEnqueueTimeMs,
    annotations: annotations.kept,
    header: headerSection ? raw.subarray(headerSection.start, headerSection.end) : raw.subarray(0, 0),
    bare: raw.subarray(bareStart(raw, sections)),
    filterable: new MessageView(raw, sections, properties, annotations),
    hops: 0,
    enqueuedSequence: undefined,
    rewritten: false,
  };
}
