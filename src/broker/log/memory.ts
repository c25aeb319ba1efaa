import { EVENT_HEAD_BYTES, type Frame, type LogEvent } from './frame.js';

/**
 * The newest frames of all partitions, in blocks of memory that are allocated once and used again. An event is encoded
 * straight into such a block, written to disk from there, and read from there by those who keep up. Nothing is
 * allocated for it outside of V8's heap: with a buffer for each event the collector took half of the main thread,
 * because it runs whenever 64 MiB of such memory have come together.
 */
export interface TailMemory {
  /** The memory of one partition. */
  tail(): Tail;
}

export interface TailMemoryOptions {
  /** What is kept over all partitions; what is not on disk yet comes on top. */
  readonly budgetBytes: number;
  readonly blockBytes: number;
}

/** Room for one frame. */
interface Room {
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
}

export interface Tail {
  reserve(bytes: number): Room;
  /** Takes in the frame that was written into the room reserved last. */
  add(room: Room, frame: Pick<Frame, 'sequence' | 'count' | 'eventsAt'>): void;
  /** What was added since the last call, to be written to disk. */
  takeUnwritten(): Buffer[];
  /** Everything below `sequence` is on disk and may be read. */
  publish(sequence: number): void;
  /** Forgets what was not published. */
  abandon(): void;
  /** The oldest event that can be read; undefined when none can. */
  first(): number | undefined;
  /** Some of the published events from `sequence` on, copied; undefined when they are not all in memory. */
  read(sequence: number, limit: number): LogEvent[] | undefined;
  release(): void;
}

interface Block {
  readonly buffer: Buffer;
  readonly frames: {
    readonly sequence: number;
    readonly end: number;
    readonly eventsAt: number;
    readonly stop: number;
  }[];
  used: number;
  written: number;
  /** Removes the block from the tail that it belongs to, where it is the oldest; false while it is needed. */
  evict(): boolean;
}

/** What one read copies at the most, if it is more than one event. */
const READ_BYTES = 256 * 1024;

export function createTailMemory({ budgetBytes, blockBytes }: TailMemoryOptions): TailMemory {
  const free: Buffer[] = [];
  /** Oldest first, over all partitions. */
  let blocks: Block[] = [];
  let heldBytes = 0;

  function giveBack(block: Block): void {
    heldBytes -= block.buffer.length;
    if (block.buffer.length === blockBytes) free.push(block.buffer);
  }

  function makeRoom(bytes: number): void {
    let evicted = 0;
    while (heldBytes + bytes > budgetBytes && evicted < blocks.length && blocks[evicted]?.evict()) {
      giveBack(blocks[evicted++] as Block);
    }
    if (evicted > 0) blocks = blocks.slice(evicted);
    // Blocks that a burst has left over are not kept for ever.
    while (free.length > 0 && heldBytes + free.length * blockBytes > budgetBytes) free.pop();
  }

  function allocate(bytes: number): Buffer {
    const size = Math.max(bytes, blockBytes);
    makeRoom(size);
    heldBytes += size;
    return (size === blockBytes ? free.pop() : undefined) ?? Buffer.allocUnsafeSlow(size);
  }

  function discard(gone: readonly Block[]): void {
    for (const block of gone) giveBack(block);
    blocks = blocks.filter((block) => !gone.includes(block));
  }

  return { tail: () => createTail({ allocate, discard, add: (block) => void blocks.push(block) }) };
}

interface Allocator {
  allocate(bytes: number): Buffer;
  add(block: Block): void;
  discard(gone: readonly Block[]): void;
}

function createTail({ allocate, add, discard }: Allocator): Tail {
  const own: Block[] = [];
  let published = 0;

  const endOf = (block: Block) => block.frames.at(-1)?.end ?? 0;

  function newBlock(bytes: number): Block {
    const block: Block = {
      buffer: allocate(bytes),
      frames: [],
      used: 0,
      written: 0,
      evict() {
        if (own[0] !== block || endOf(block) > published || block.written < block.used) return false;
        own.shift();
        return true;
      },
    };
    own.push(block);
    add(block);
    return block;
  }

  return {
    reserve(bytes) {
      let block = own.at(-1);
      if (block === undefined || block.buffer.length - block.used < bytes) block = newBlock(bytes);
      return { buffer: block.buffer, start: block.used, end: block.used + bytes };
    },

    add(room, { sequence, count, eventsAt }) {
      const block = own.at(-1) as Block;
      block.frames.push({ sequence, end: sequence + count, eventsAt, stop: room.end });
      block.used = room.end;
    },

    takeUnwritten() {
      const slices: Buffer[] = [];
      for (const block of own) {
        if (block.written === block.used) continue;
        slices.push(block.buffer.subarray(block.written, block.used));
        block.written = block.used;
      }
      return slices;
    },

    publish(sequence) {
      published = sequence;
    },

    abandon() {
      const gone: Block[] = [];
      for (const block of own) {
        while (block.frames.length > 0 && endOf(block) > published) block.frames.pop();
        block.used = block.frames.at(-1)?.stop ?? 0;
        block.written = block.used;
        if (block.used === 0) gone.push(block);
      }
      own.splice(own.length - gone.length, gone.length);
      discard(gone);
    },

    first() {
      const first = own[0]?.frames[0]?.sequence;
      return first === undefined || first >= published ? undefined : first;
    },

    read(sequence, limit) {
      const first = own[0]?.frames[0]?.sequence;
      if (first === undefined || sequence < first) return undefined;
      const block = own.findLast(({ frames }) => frames[0] !== undefined && frames[0].sequence <= sequence);
      return block === undefined ? undefined : copyEvents(block, sequence, Math.min(published, sequence + limit));
    },

    release() {
      discard(own.splice(0));
    },
  };
}

/** Copies the events of `[from, to)` that lie in a block, since the block will be used again: one buffer for them all. */
function copyEvents({ buffer, frames }: Block, from: number, to: number): LogEvent[] {
  const places: { readonly start: number; readonly end: number }[] = [];
  let [low, high] = [0, frames.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((frames[middle] as Block['frames'][number]).end <= from) low = middle + 1;
    else high = middle;
  }
  collect: for (; low < frames.length; low++) {
    const { sequence, end, eventsAt } = frames[low] as Block['frames'][number];
    let at = eventsAt;
    for (let next = sequence; next < end; next++) {
      const stop = at + EVENT_HEAD_BYTES + buffer.readUInt32BE(at);
      if (next >= to || (places[0] !== undefined && stop - places[0].start > READ_BYTES)) break collect;
      if (next >= from) places.push({ start: at + EVENT_HEAD_BYTES, end: stop });
      at = stop;
    }
  }
  const [start, stop] = [places[0]?.start ?? 0, places.at(-1)?.end ?? 0];
  const copy = Buffer.from(buffer.subarray(start, stop));
  return places.map((place, index) => ({
    sequence: from + index,
    record: copy.subarray(place.start - start, place.end - start),
  }));
}
