import { promisify } from 'node:util';
import { constants, inflateRaw } from 'node:zlib';
import type { BlobReader } from '../messaging/index.js';
import { messageOf } from '../shared/errors.js';
import { type Block, openContainer } from './avro/container.js';
import { Cursor, DamagedAvro } from './avro/cursor.js';
import { ArchiveError } from './errors.js';
import { type ArchivedEvent, eventReaderOf } from './event.js';

/** What is wrong with a file. The reading goes on with what is whole. */
export type OnProblem = (problem: ArchiveError) => void;

export interface FileDeps {
  readonly blobs: Pick<BlobReader, 'read'>;
  readonly onProblem: OnProblem;
  /** What memory holds of a file at a time: a block. By default one may be as large as the service lets a file become. */
  readonly maxBlockBytes?: number;
}

const MAX_BLOCK_BYTES = 512 * 1024 * 1024;

const inflate = promisify(inflateRaw);

/**
 * The events of one file of Capture, block by block. Damage and forms that are not understood are told of, with the name
 * of the file and the place in it, and passed over; only the storage can fail it.
 */
export async function* readCaptureFile(
  { blobs, onProblem, maxBlockBytes = MAX_BLOCK_BYTES }: FileDeps,
  name: string,
): AsyncGenerator<readonly ArchivedEvent[]> {
  const pieces = blobs.read(name)[Symbol.asyncIterator]();
  const damaged = ({ message, at }: DamagedAvro) =>
    onProblem(
      new ArchiveError('PS_ARCHIVE_DAMAGED', `${name}, at byte ${at}: ${message}`, { facts: { blob: name, byte: at } }),
    );
  try {
    const { codec, schema, blocks } = await openContainer(pieces, maxBlockBytes);
    refuseUnknownCodec(codec);
    const readEvent = eventReaderOf(schema);
    for await (const block of blocks(damaged)) {
      const events = await eventsOf(block, { codec, maxBlockBytes, readEvent, damaged });
      if (events.length > 0) yield events;
    }
  } catch (error) {
    if (error instanceof DamagedAvro) damaged(error);
    else if (error instanceof ArchiveError)
      onProblem(new ArchiveError(error.code, `${name}: ${error.message}`, { facts: { blob: name } }));
    else throw error;
  } finally {
    await pieces.return?.();
  }
}

interface Decoding {
  readonly codec: string;
  readonly maxBlockBytes: number;
  readonly readEvent: (cursor: Cursor) => ArchivedEvent;
  readonly damaged: (damage: DamagedAvro) => void;
}

/** Those of a block that come before any damage in it. */
async function eventsOf(block: Block, decoding: Decoding): Promise<ArchivedEvent[]> {
  const { readEvent, damaged } = decoding;
  const events: ArchivedEvent[] = [];
  try {
    const cursor = new Cursor(await contentOf(block, decoding));
    while (events.length < block.count) events.push(readEvent(cursor));
    if (cursor.remaining > 0) throw new DamagedAvro('it has more than its events', block.at);
  } catch (error) {
    if (!(error instanceof DamagedAvro)) throw error;
    // That the file is cut off here is told of already.
    if (!block.cutOff) damaged(new DamagedAvro(`in the block there: ${error.message}`, block.at));
  }
  if (events.every((event, index) => index === 0 || numberAt(events, index - 1) < event.sequenceNumber)) return events;
  damaged(new DamagedAvro('in the block there: its events are not in order', block.at));
  return numberedAsMost(events);
}

const numberAt = (events: readonly ArchivedEvent[], index: number) => (events[index] as ArchivedEvent).sequenceNumber;

/** Those whose number is by as much above their place as that of most: a changed number must not cost the others. */
function numberedAsMost(events: readonly ArchivedEvent[]): ArchivedEvent[] {
  const above = events.map(({ sequenceNumber }, index) => sequenceNumber - index);
  const usual = [...above].sort((a, b) => a - b)[Math.floor(above.length / 2)];
  return events.filter((_, index) => above[index] === usual);
}

/** The service writes these two: encodings `Avro` and `AvroDeflate`. */
function refuseUnknownCodec(codec: string): void {
  if (codec === 'null' || codec === 'deflate') return;
  throw new ArchiveError('PS_ARCHIVE_UNSUPPORTED', `its codec is ${codec}, and not null or deflate`);
}

async function contentOf({ content, at, cutOff }: Block, { codec, maxBlockBytes }: Decoding): Promise<Buffer> {
  if (codec === 'null') return content;
  try {
    // Of what is cut off the beginning is given.
    const finishFlush = cutOff ? constants.Z_SYNC_FLUSH : constants.Z_FINISH;
    return await inflate(content, { maxOutputLength: maxBlockBytes, finishFlush });
  } catch (error) {
    throw new DamagedAvro(messageOf(error), at);
  }
}
