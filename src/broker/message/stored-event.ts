import { entryTemplate } from './annotations.js';
import { encodeString, encodeSymbol, MAP_SECTION_HEAD_BYTES, mapSection, writeMapSectionHead } from './encode.js';
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

/** An offset is a few digits: `a1 length digits`. */
const OFFSET_HEAD_BYTES = 2;

const annotationBytes = (annotations: readonly Buffer[], offset: string): number => {
  let bytes = ownEntries.bytes + OFFSET_KEY.length + OFFSET_HEAD_BYTES + offset.length;
  for (const entry of annotations) bytes += entry.length;
  return bytes;
};

/** Bytes of the record of an event. */
export const eventBytes = ({ header, annotations, bare }: Storable, offset: string): number =>
  HEAD_BYTES + header.length + MAP_SECTION_HEAD_BYTES + annotationBytes(annotations, offset) + bare.length;

/** Writes the record of an event at `start`, where there is room for its `eventBytes`. */
export function writeEvent(record: Buffer, start: number, message: Storable, fields: EventFields): void {
  const { header, annotations, bare } = message;
  const { offset } = fields;
  record.writeDoubleBE(fields.enqueuedAtMs, start);
  record.writeUInt16BE(header.length, start + 8);
  let at = start + HEAD_BYTES;
  at += header.copy(record, at);
  at = writeMapSectionHead(record, at, {
    code: SECTION.messageAnnotations,
    entries: annotations.length + ownEntries.count + 1,
    bytes: annotationBytes(annotations, offset),
  });
  for (const entry of annotations) at += entry.copy(record, at);
  at = ownEntries.write(record, at, [fields.sequence, fields.enqueuedAtMs]);
  at += OFFSET_KEY.copy(record, at);
  record[at] = 0xa1;
  record[at + 1] = offset.length;
  at += OFFSET_HEAD_BYTES + record.write(offset, at + OFFSET_HEAD_BYTES, 'latin1');
  bare.copy(record, at);
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
