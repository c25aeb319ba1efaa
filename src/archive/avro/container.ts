import { type ByteQueue, createByteQueue } from './byte-queue.js';
import { Cursor, DamagedAvro, MAX_LONG_BYTES } from './cursor.js';

/** An Avro object container file (Avro 1.11, "Object Container Files"), as far as it is framed. */
export interface Container {
  readonly codec: string;
  readonly schema: string;
  /** The blocks in their order. What is damaged is passed over up to the next marker between blocks, and told of. */
  blocks(onDamage: (damage: DamagedAvro) => void): AsyncGenerator<Block>;
}

export interface Block {
  /** Where in the file it begins. */
  readonly at: number;
  /** How many values it has. */
  readonly count: number;
  /** As the codec has written it. */
  readonly content: Buffer;
  /** The file ends within it. */
  readonly cutOff: boolean;
}

const MAGIC = 'Obj\u0001';
const SYNC_BYTES = 16;
/** Of a file with a longer schema nothing is known. */
const MAX_HEADER_BYTES = 64 * 1024;

/**
 * Reads the header. The pieces stay the caller's, to be closed when it has enough.
 * @throws DamagedAvro when it is none
 */
export async function openContainer(pieces: AsyncIterator<Buffer>, maxBlockBytes: number): Promise<Container> {
  const queue = createByteQueue(pieces);
  const start = await queue.take(MAX_HEADER_BYTES);
  if (start.subarray(0, MAGIC.length).toString('latin1') !== MAGIC) throw new DamagedAvro('is no Avro file', 0);
  const cursor = new Cursor(start);
  cursor.skip(MAGIC.length);
  const metadata = new Map<string, string>();
  for (let count = cursor.long(); count !== 0; count = cursor.long()) {
    // Of a block with a negative count the size in bytes follows.
    if (count < 0) cursor.skipLong();
    for (let index = 0; index < Math.abs(count); index++) metadata.set(cursor.string(), cursor.string());
  }
  const syncAt = cursor.at;
  cursor.skip(SYNC_BYTES);
  const sync = Buffer.from(start.subarray(syncAt, cursor.at));
  queue.putBack(start.subarray(cursor.at));
  return {
    codec: metadata.get('avro.codec') ?? 'null',
    schema: metadata.get('avro.schema') ?? '',
    blocks: (onDamage) => blocksOf(queue, { sync, maxBlockBytes }, onDamage),
  };
}

async function* blocksOf(
  queue: ByteQueue,
  { sync, maxBlockBytes }: { readonly sync: Buffer; readonly maxBlockBytes: number },
  onDamage: (damage: DamagedAvro) => void,
): AsyncGenerator<Block> {
  for (;;) {
    const { at } = queue;
    const head = await queue.take(2 * MAX_LONG_BYTES);
    if (head.length === 0) return;
    const framed = framingOf(head, maxBlockBytes);
    if (framed instanceof DamagedAvro) {
      onDamage(new DamagedAvro(framed.message, at));
      queue.putBack(head);
      if (!(await skipTo(queue, sync))) return;
      continue;
    }
    const { count, size, length } = framed;
    queue.putBack(head.subarray(length));
    const whole = await queue.take(size + SYNC_BYTES);
    const cutOff = whole.length < size + SYNC_BYTES;
    if (!cutOff && whole.subarray(size).equals(sync)) {
      yield { at, count, content: whole.subarray(0, size), cutOff };
      continue;
    }
    const markerAt = whole.indexOf(sync);
    onDamage(
      new DamagedAvro(cutOff && markerAt < 0 ? 'the file is cut off' : 'a block does not end where it says', at),
    );
    // Nobody knows where it ends then: up to the next marker, of which some may be in what was taken.
    if (cutOff && markerAt < 0) {
      yield { at, count, content: whole.subarray(0, size), cutOff };
      return;
    }
    queue.putBack(whole);
    if (!(await skipTo(queue, sync))) return;
  }
}

/** The number of values and the size of a block, and how many bytes these two take. */
function framingOf(head: Buffer, maxBytes: number): { count: number; size: number; length: number } | DamagedAvro {
  try {
    const cursor = new Cursor(head);
    const count = cursor.long();
    const size = cursor.long();
    if (count < 0 || size < 0) return new DamagedAvro('a block has a negative size', 0);
    if (size > maxBytes) return new DamagedAvro(`a block has ${size} bytes, more than ${maxBytes}`, 0);
    return { count, size, length: cursor.at };
  } catch (error) {
    if (error instanceof DamagedAvro) return error;
    throw error;
  }
}

/** Moves behind the next marker; false when there is none any more. */
async function skipTo(queue: ByteQueue, sync: Buffer): Promise<boolean> {
  for (;;) {
    const piece = await queue.take(MAX_HEADER_BYTES);
    const found = piece.indexOf(sync);
    if (found >= 0) {
      queue.putBack(piece.subarray(found + SYNC_BYTES));
      return true;
    }
    if (piece.length < MAX_HEADER_BYTES) return false;
    // A marker may begin in this piece and end in the next.
    queue.putBack(piece.subarray(piece.length - SYNC_BYTES + 1));
  }
}
