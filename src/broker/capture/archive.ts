import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import { type CapturedEvent, capturedEvent } from '../message/index.js';
import type { LogEvent } from '../namespace/index.js';
import type { CaptureEncoding } from '../topology/index.js';
import { AvroWriter, avroMap } from './avro.js';

/** The schema of Event Hubs Capture, to the letter: readers compare it. */
const SCHEMA =
  '{"type":"record","name":"EventData","namespace":"Microsoft.ServiceBus.Messaging","fields":[' +
  '{"name":"SequenceNumber","type":"long"},{"name":"Offset","type":"string"},{"name":"EnqueuedTimeUtc","type":"string"},' +
  '{"name":"SystemProperties","type":{"type":"map","values":["long","double","string","bytes"]}},' +
  '{"name":"Properties","type":{"type":"map","values":["long","double","string","bytes","null"]}},' +
  '{"name":"Body","type":["null","bytes"]}]}';

/** A block is closed when it holds this much; it is what memory holds of a file at a time. */
const BLOCK_BYTES = 256 * 1024;
const MAGIC = Buffer.from('Obj\u0001', 'latin1');
const SYNC_BYTES = 16;

const deflate = promisify(deflateRaw);

/** `11/16/2016 4:44:11 PM`: how .NET writes a time in the invariant culture, and so how the service does. */
export function formatEnqueuedTime(timeMs: number): string {
  const time = new Date(timeMs);
  const two = (value: number) => String(value).padStart(2, '0');
  const hour = time.getUTCHours();
  const date = `${time.getUTCMonth() + 1}/${time.getUTCDate()}/${time.getUTCFullYear()}`;
  return `${date} ${hour % 12 === 0 ? 12 : hour % 12}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())} ${hour < 12 ? 'AM' : 'PM'}`;
}

function writeEvent(writer: AvroWriter, { sequence }: LogEvent, event: CapturedEvent): void {
  writer.long(sequence);
  writer.string(event.offset);
  writer.string(formatEnqueuedTime(event.enqueuedAtMs));
  avroMap(writer, event.systemProperties);
  avroMap(writer, event.properties);
  if (event.body === undefined) {
    writer.long(0);
  } else {
    writer.long(1);
    writer.long(event.body.reduce((sum, part) => sum + part.length, 0));
    for (const part of event.body) writer.raw(part);
  }
}

function header(codec: string, sync: Buffer): Buffer {
  const writer = new AvroWriter(1024);
  writer.raw(MAGIC);
  writer.long(2);
  writer.string('avro.codec');
  writer.string(codec);
  writer.string('avro.schema');
  writer.string(SCHEMA);
  writer.long(0);
  writer.raw(sync);
  return Buffer.from(writer.bytes());
}

/**
 * An Avro object container file (Avro 1.11, "Object Container Files") of the events, piece by piece. The same events
 * under the same name give the same bytes: also the marker between blocks comes from the name.
 */
export async function* archiveFile(
  name: string,
  encoding: CaptureEncoding,
  events: AsyncIterable<readonly LogEvent[]>,
): AsyncGenerator<Buffer> {
  const deflated = encoding === 'AvroDeflate';
  const sync = createHash('sha256').update(name, 'utf8').digest().subarray(0, SYNC_BYTES);
  const block = new AvroWriter(BLOCK_BYTES + BLOCK_BYTES / 4);
  let count = 0;

  async function takeBlock(): Promise<Buffer> {
    const content = deflated ? await deflate(block.bytes()) : block.bytes();
    const framed = new AvroWriter(content.length + 64);
    framed.long(count);
    framed.binary(content);
    framed.raw(sync);
    block.clear();
    count = 0;
    return framed.bytes();
  }

  yield header(deflated ? 'deflate' : 'null', sync);
  for await (const some of events) {
    for (const event of some) {
      writeEvent(block, event, capturedEvent(event.record));
      count++;
      if (block.length >= BLOCK_BYTES) yield await takeBlock();
    }
  }
  if (count > 0) yield await takeBlock();
}
