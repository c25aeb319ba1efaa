import { entryTemplate } from './annotations.js';
import { encodeString, encodeSymbol, mapSection, mapSectionHead } from './encode.js';
import type { IncomingMessage } from './incoming.js';
import { SECTION } from './scan.js';

/**
 * How an event lies in a partition: `f64 enqueued at, ms | u16 bytes of the header section | the bytes to deliver`. What is
 * delivered is finished when the event arrives; each of its readers costs no work on it.
 */
const HEAD_BYTES = 10;

const ownEntries = entryTemplate([
  ['x-opt-sequence-number', 'long'],
  ['x-opt-enqueued-time', 'timestamp'],
]);
const OFFSET_KEY = encodeSymbol('x-opt-offset');

export interface EventFields {
  readonly sequence: number;
  readonly offset: string;
  readonly enqueuedAtMs: number;
}

type Storable = Pick<IncomingMessage, 'header' | 'annotations' | 'bare'>;

export function encodeEvent(message: Storable, fields: EventFields): Buffer {
  const offset = encodeString(fields.offset);
  let annotationBytes = ownEntries.bytes + OFFSET_KEY.length + offset.length;
  for (const entry of message.annotations) annotationBytes += entry.length;
  const head = mapSectionHead(
    SECTION.messageAnnotations,
    message.annotations.length + ownEntries.count + 1,
    annotationBytes,
  );
  const record = Buffer.allocUnsafe(
    HEAD_BYTES + message.header.length + head.length + annotationBytes + message.bare.length,
  );
  record.writeDoubleBE(fields.enqueuedAtMs, 0);
  record.writeUInt16BE(message.header.length, 8);
  let at = HEAD_BYTES;
  at += message.header.copy(record, at);
  at += head.copy(record, at);
  for (const entry of message.annotations) at += entry.copy(record, at);
  at = ownEntries.write(record, at, [fields.sequence, fields.enqueuedAtMs]);
  at += OFFSET_KEY.copy(record, at);
  at += offset.copy(record, at);
  message.bare.copy(record, at);
  return record;
}

export const eventEnqueuedAtMs = (record: Buffer): number => record.readDoubleBE(0);

/** The bytes to deliver. */
export const eventPayload = (record: Buffer): Buffer => record.subarray(HEAD_BYTES);

export interface RuntimeMetric {
  readonly lastSequence: number;
  readonly lastOffset: string;
  readonly lastEnqueuedAtMs: number;
  readonly nowMs: number;
}

const metricEntries = entryTemplate([
  ['last_enqueued_sequence_number', 'long'],
  ['last_enqueued_time_utc', 'timestamp'],
  ['runtime_info_retrieval_time_utc', 'timestamp'],
]);

/** The bytes to deliver to a receiver that asked for the partition's state with each event (delivery annotations). */
export function eventPayloadWithMetric(record: Buffer, metric: RuntimeMetric): Buffer {
  const entries = Buffer.allocUnsafe(metricEntries.bytes);
  metricEntries.write(entries, 0, [metric.lastSequence, metric.lastEnqueuedAtMs, metric.nowMs]);
  const annotations = mapSection(SECTION.deliveryAnnotations, [
    entries,
    Buffer.concat([encodeSymbol('last_enqueued_offset'), encodeString(metric.lastOffset)]),
  ]);
  // The three numbers are one buffer: the count of the map has to say four entries.
  annotations.writeUInt32BE((metricEntries.count + 1) * 2, 8);
  const headerEnd = HEAD_BYTES + record.readUInt16BE(8);
  return Buffer.concat([record.subarray(HEAD_BYTES, headerEnd), annotations, record.subarray(headerEnd)]);
}
