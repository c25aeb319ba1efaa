import { entryTemplate } from './annotations.js';
import { encodeString, encodeSymbol, headerSection, mapSectionHead } from './encode.js';
import { type IncomingMessage, parseForwarded } from './incoming.js';
import { SECTION } from './scan.js';

/**
 * How a message lies in a queue's store: a fixed head, the sender's annotations, the untouched bare message. Delivering
 * it is then one copy with a new header and the broker's annotations in front, and no parsing.
 *
 * ```
 * 0  u8  version        4  u16 count of annotations   16 f64 enqueued at, ms      32 f64 enqueued sequence number
 * 1  u8  flags          8  u32 bytes of annotations   24 f64 expires at, ms       40 annotations, bare message
 * 2  u8  priority       12 u32 time to live, ms          (Infinity: never)
 * 3  u8  hops
 * ```
 */
const VERSION = 1;
const HEAD_BYTES = 40;
const DURABLE = 1;
const HAS_TTL = 2;
/** The longest that a header can say: 49 days. Longer ones hold all the same, by the time of expiry. */
const MAX_TTL_MS = 0xffff_ffff;

export interface StoredFields {
  readonly enqueuedAtMs: number;
  readonly expiresAtMs: number;
  /** The number at first arrival: of the topic for a subscription's copy, else the message's own. */
  readonly enqueuedSequence: number;
}

export type Storable = Pick<
  IncomingMessage,
  'durable' | 'priority' | 'ttlMs' | 'annotations' | 'bare' | 'hops' | 'enqueuedSequence'
>;

interface Encoded extends StoredFields {
  readonly message: Storable;
  readonly ttlMs: number | undefined;
  readonly record: Buffer;
}

/** What was encoded last: the subscriptions of a topic mostly store one and the same, and nobody changes a record. */
let last: Encoded | undefined;

/** @param ttlMs where it is not what the sender asked for */
export function encodeStored(message: Storable, fields: StoredFields, ttlMs = message.ttlMs): Buffer {
  const { enqueuedAtMs, expiresAtMs, enqueuedSequence } = fields;
  const isSame =
    last?.message === message &&
    last.ttlMs === ttlMs &&
    last.enqueuedAtMs === enqueuedAtMs &&
    last.expiresAtMs === expiresAtMs &&
    last.enqueuedSequence === enqueuedSequence;
  if (!isSame)
    last = { message, enqueuedAtMs, expiresAtMs, enqueuedSequence, ttlMs, record: encode(message, fields, ttlMs) };
  return (last as Encoded).record;
}

function encode(message: Storable, fields: StoredFields, ttlMs: number | undefined): Buffer {
  let annotationBytes = 0;
  for (const entry of message.annotations) annotationBytes += entry.length;
  const record = Buffer.allocUnsafe(HEAD_BYTES + annotationBytes + message.bare.length);
  record.fill(0, 0, HEAD_BYTES);
  record[0] = VERSION;
  record[1] = (message.durable ? DURABLE : 0) | (ttlMs === undefined ? 0 : HAS_TTL);
  record[2] = message.priority;
  record[3] = message.hops;
  record.writeUInt16BE(message.annotations.length, 4);
  record.writeUInt32BE(annotationBytes, 8);
  record.writeUInt32BE(Math.min(ttlMs ?? 0, MAX_TTL_MS), 12);
  record.writeDoubleBE(fields.enqueuedAtMs, 16);
  record.writeDoubleBE(fields.expiresAtMs, 24);
  record.writeDoubleBE(fields.enqueuedSequence, 32);
  let at = HEAD_BYTES;
  for (const entry of message.annotations) at += entry.copy(record, at);
  message.bare.copy(record, at);
  return record;
}

export const storedFields = (record: Buffer): StoredFields => ({
  enqueuedAtMs: record.readDoubleBE(16),
  expiresAtMs: record.readDoubleBE(24),
  enqueuedSequence: record.readDoubleBE(32),
});

export const storedBare = (record: Buffer): Buffer => record.subarray(HEAD_BYTES + record.readUInt32BE(8));

const lockedEntries = entryTemplate([
  ['x-opt-sequence-number', 'long'],
  ['x-opt-enqueue-sequence-number', 'long'],
  ['x-opt-enqueued-time', 'timestamp'],
  ['x-opt-locked-until', 'timestamp'],
]);
const unlockedEntries = entryTemplate([
  ['x-opt-sequence-number', 'long'],
  ['x-opt-enqueue-sequence-number', 'long'],
  ['x-opt-enqueued-time', 'timestamp'],
]);

/** What the clients' `x-opt-message-state` says; an active message goes without. */
const STATES = { active: 0, deferred: 1, scheduled: 2 } as const;
const SMALL_INT = 0x54;
const stateEntry = (code: number) => Buffer.concat([encodeSymbol('x-opt-message-state'), Buffer.of(SMALL_INT, code)]);
const STATE_ENTRIES = {
  active: Buffer.alloc(0),
  deferred: stateEntry(STATES.deferred),
  scheduled: stateEntry(STATES.scheduled),
} as const;

export interface DeliveryFields {
  readonly sequence: number;
  /** How often it was delivered before. */
  readonly deliveryCount: number;
  /** Undefined when the receiver takes it without a lock (receive and delete, peek). */
  readonly lockedUntilMs?: number;
  /** Active when it is not given. */
  readonly state?: keyof typeof STATES;
}

/** The bytes of one delivery: header, annotations of sender and broker, and the bare message. */
export function encodeDelivery(record: Buffer, fields: DeliveryFields): Buffer {
  const flags = record[1] as number;
  const header = headerSection({
    durable: (flags & DURABLE) !== 0,
    priority: record[2] as number,
    ttlMs: (flags & HAS_TTL) !== 0 ? record.readUInt32BE(12) : undefined,
    deliveryCount: fields.deliveryCount,
  });
  const { enqueuedAtMs, enqueuedSequence } = storedFields(record);
  const own = fields.lockedUntilMs === undefined ? unlockedEntries : lockedEntries;
  const state = STATE_ENTRIES[fields.state ?? 'active'];
  const ownBytes = own.bytes + state.length;
  const head = mapSectionHead(
    SECTION.messageAnnotations,
    record.readUInt16BE(4) + own.count + (state.length > 0 ? 1 : 0),
    record.readUInt32BE(8) + ownBytes,
  );
  const payload = Buffer.allocUnsafe(header.length + head.length + ownBytes + record.length - HEAD_BYTES);
  let at = header.copy(payload, 0);
  at += head.copy(payload, at);
  at += state.copy(payload, at);
  at = own.write(payload, at, [fields.sequence, enqueuedSequence, enqueuedAtMs, fields.lockedUntilMs ?? 0]);
  record.copy(payload, at, HEAD_BYTES);
  return payload;
}

/** The same record with another bare message, and times that are set anew where given. */
export function withBare(record: Buffer, bare: Buffer, fields: Partial<StoredFields> = {}): Buffer {
  const headBytes = HEAD_BYTES + record.readUInt32BE(8);
  const changed = Buffer.concat([record.subarray(0, headBytes), bare]);
  if (fields.enqueuedAtMs !== undefined) changed.writeDoubleBE(fields.enqueuedAtMs, 16);
  if (fields.expiresAtMs !== undefined) changed.writeDoubleBE(fields.expiresAtMs, 24);
  if (fields.enqueuedSequence !== undefined) changed.writeDoubleBE(fields.enqueuedSequence, 32);
  return changed;
}

/** A stored message as it enters the next entity: with the hops that it has behind it and its first sequence number. */
export function incomingFromStored(record: Buffer): IncomingMessage {
  const message = parseForwarded(encodeDelivery(record, { sequence: 0, deliveryCount: 0 }));
  const { enqueuedAtMs, expiresAtMs, enqueuedSequence } = storedFields(record);
  // A time to live that the header cannot say is known from the time of expiry.
  const ttlMs = message.ttlMs === MAX_TTL_MS ? Math.max(MAX_TTL_MS, expiresAtMs - enqueuedAtMs) : message.ttlMs;
  return { ...message, ttlMs, enqueuedSequence, hops: record[3] as number };
}

/** The message that a rule's action has rewritten, read anew: as the entity that it is forwarded to sees it. */
export function reread(message: IncomingMessage): IncomingMessage {
  const fields = { enqueuedAtMs: 0, expiresAtMs: message.ttlMs ?? Number.POSITIVE_INFINITY, enqueuedSequence: 0 };
  return { ...incomingFromStored(encodeStored(message, fields)), enqueuedSequence: message.enqueuedSequence };
}

/** A dead letter on its way to another entity: it says where it comes from, and its time to live is over already. */
export function deadLetterFromStored(record: Buffer, source: string): IncomingMessage {
  const message = incomingFromStored(record);
  const annotation = Buffer.concat([encodeSymbol('x-opt-deadletter-source'), encodeString(source)]);
  return { ...message, annotations: [...message.annotations, annotation], ttlMs: undefined };
}
