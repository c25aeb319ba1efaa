import avro from 'avsc';
import { expect } from 'vitest';
import type { BlobReader } from '../../src/messaging/index.js';

/** The schema of the service, as files of it have it; ours has one branch more. */
export const serviceSchema = {
  type: 'record',
  name: 'EventData',
  namespace: 'Microsoft.ServiceBus.Messaging',
  fields: [
    { name: 'SequenceNumber', type: 'long' },
    { name: 'Offset', type: 'string' },
    { name: 'EnqueuedTimeUtc', type: 'string' },
    { name: 'SystemProperties', type: { type: 'map', values: ['long', 'double', 'string', 'bytes'] } },
    { name: 'Properties', type: { type: 'map', values: ['long', 'double', 'string', 'bytes'] } },
    { name: 'Body', type: ['null', 'bytes'] },
  ],
};

export interface FileEvent {
  readonly sequence: number;
  /** As the service writes it; by default always the same second. */
  readonly time?: string;
  readonly offset?: string;
  readonly body?: string | null;
  readonly properties?: Readonly<Record<string, unknown>>;
}

export interface FileOptions {
  readonly codec?: string;
  /** A block is closed when it is that large. */
  readonly blockSize?: number;
  readonly schema?: unknown;
}

/** A file as a writer makes it that knows nothing of ours (the avsc library), block by block. */
export async function captureFile(events: readonly FileEvent[], options: FileOptions = {}): Promise<Buffer> {
  const { codec = 'deflate', blockSize = 64 * 1024, schema = serviceSchema } = options;
  const type = avro.Type.forSchema(schema as avro.Schema, { wrapUnions: true });
  const encoder = new avro.streams.BlockEncoder(type, {
    codec,
    blockSize,
    syncMarker: Buffer.from('0123456789abcdef'),
    codecs: {
      ...avro.streams.BlockEncoder.defaultCodecs(),
      snappy: (data: Buffer, done: (error: null, data: Buffer) => void) => done(null, data),
    },
  } as never);
  for (const event of events) encoder.write(recordOf(event));
  encoder.end();
  const chunks: Buffer[] = [];
  for await (const chunk of encoder) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const recordOf = ({ sequence, time, offset, body = `body ${sequence}`, properties = {} }: FileEvent) => ({
  SequenceNumber: sequence,
  Offset: offset ?? String(sequence * 100),
  EnqueuedTimeUtc: time ?? '11/16/2016 4:44:11 PM',
  SystemProperties: { 'x-opt-partition-key': { string: 'visitor' }, number: { long: 7 } },
  Properties: properties,
  Body: body === null ? null : { bytes: Buffer.from(body) },
});

/** For what must not be told. */
export const notTold = (what: unknown): never => expect.unreachable(JSON.stringify(what));

/** Files in memory, given in pieces of some size. */
export function filesIn(files: Readonly<Record<string, Buffer>>, pieceBytes = 1_000) {
  let open = 0;
  let reads = 0;
  const blobs: BlobReader = {
    async *list(prefix) {
      yield* Object.keys(files)
        .filter((name) => name.startsWith(prefix))
        .sort();
    },
    async *read(name) {
      open++;
      reads++;
      try {
        const file = files[name] as Buffer;
        for (let at = 0; at < file.length; at += pieceBytes) yield file.subarray(at, at + pieceBytes);
      } finally {
        open--;
      }
    },
  };
  return { blobs, open: () => open, reads: () => reads };
}
