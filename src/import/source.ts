import { createReadStream, statSync } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { messageOf } from '../shared/errors.js';
import { ImportError } from './errors.js';

/** Where the bytes of an import come from. */
export interface Source {
  readonly name: string;
  /** Bytes that will be read, before they are unpacked; unknown for a stream. */
  readonly totalBytes?: number;
  /** Whether it can be read a second time. */
  readonly rereadable: boolean;
  /** The content, unpacked when it is gzip (told by its first two bytes). `onBytes` hears of bytes before unpacking. */
  open(onBytes?: (bytes: number) => void): AsyncIterable<Buffer>;
}

/** @throws ImportError PS_IMPORT_UNREADABLE when there is no such file. */
export function fileSource(path: string): Source {
  let sizeBytes: number;
  let isFile: boolean;
  try {
    const stats = statSync(path);
    isFile = stats.isFile();
    sizeBytes = stats.size;
  } catch (cause) {
    throw new ImportError('PS_IMPORT_UNREADABLE', `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
  if (!isFile) return streamSource(path, () => createReadStream(path));
  return {
    name: path,
    totalBytes: sizeBytes,
    rereadable: true,
    // A log that grows meanwhile is read as far as it was when the import began, in every pass.
    open: (onBytes) =>
      unpack(sizeBytes === 0 ? Readable.from([]) : createReadStream(path, { end: sizeBytes - 1 }), onBytes),
  };
}

export function streamSource(name: string, open: () => Readable): Source {
  return { name, rereadable: false, open: (onBytes) => unpack(open(), onBytes) };
}

const GZIP_MAGIC = Buffer.of(0x1f, 0x8b);

async function* unpack(input: Readable, onBytes: (bytes: number) => void = () => {}): AsyncGenerator<Buffer> {
  const chunks = counted(input, onBytes);
  let head: Buffer = Buffer.alloc(0);
  while (head.length < GZIP_MAGIC.length) {
    const next = await chunks.next();
    if (next.done) break;
    head = Buffer.concat([head, next.value]);
  }
  const whole = startingWith(head, chunks);
  if (!head.subarray(0, GZIP_MAGIC.length).equals(GZIP_MAGIC)) {
    yield* whole;
    return;
  }
  const unpacked = createGunzip();
  pipeline(Readable.from(whole), unpacked, () => {
    // Reading `unpacked` throws the error; the callback has to be there.
  });
  yield* unpacked;
}

async function* counted(input: Readable, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const chunk of input as AsyncIterable<Buffer>) {
    onBytes(chunk.length);
    yield chunk;
  }
}

async function* startingWith(head: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  yield* rest;
}
