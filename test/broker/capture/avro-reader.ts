import { Readable } from 'node:stream';
import avro from 'avsc';

/** An event of a capture file as a reader that knows nothing of the writer sees it. */
export interface AvroEvent {
  readonly SequenceNumber: number;
  readonly Offset: string;
  readonly EnqueuedTimeUtc: string;
  readonly SystemProperties: Readonly<Record<string, unknown>>;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly Body: Buffer | null;
}

export interface AvroFile {
  readonly codec: string;
  readonly schema: unknown;
  readonly events: readonly AvroEvent[];
}

/** `{ long: 1 }` is how the library shows which branch of a union a value took. */
const branches = (map: Readonly<Record<string, Readonly<Record<string, unknown>> | null>>) =>
  Object.fromEntries(
    Object.entries(map).map(([key, branch]) => [key, branch === null ? null : Object.entries(branch)[0]]),
  );

type Wrapped = Readonly<Record<string, Readonly<Record<string, unknown>> | null>>;
interface Raw extends Omit<AvroEvent, 'Body'> {
  readonly SystemProperties: Wrapped;
  readonly Properties: Wrapped;
  readonly Body: { readonly bytes: Buffer } | null;
}

/** Reads an object container file with the avsc library. */
export async function readAvro(bytes: Buffer): Promise<AvroFile> {
  let found: { codec: string; schema: unknown } | undefined;
  const decoder = new avro.streams.BlockDecoder({
    parseHook: (schema) => avro.Type.forSchema(schema, { wrapUnions: true }),
  });
  decoder.on('metadata', (_type, codec: string, header: { meta: Record<string, Buffer> }) => {
    found = { codec, schema: JSON.parse(String(header.meta['avro.schema'])) };
  });
  const events: AvroEvent[] = [];
  for await (const item of Readable.from([bytes]).pipe(decoder)) {
    const raw = item as Raw;
    events.push({
      ...raw,
      SystemProperties: branches(raw.SystemProperties),
      Properties: branches(raw.Properties),
      Body: raw.Body === null ? null : raw.Body.bytes,
    });
  }
  if (found === undefined) throw new Error('the file has no header');
  return { ...found, events };
}
