import type { SpooledItem } from './passenger.js';
import type { Outcome, Ticket } from './ticket.js';

export interface PackingOptions {
  /** Most events in one hub event. */
  readonly maxEvents: number;
  /** Largest hub event; a single event may be larger. */
  readonly maxBytes: number;
}

/** One Event Hubs event in the making: a CloudEvents batch, a JSON array. Open, and growing, until it is sent. */
export type Pack = SpooledItem;

/** What AMQP frames one hub event with: section headers and the content type, rounded up. */
export const PACK_OVERHEAD_BYTES = 128;

/**
 * Room for a large pack, and no more: from 128 KB on each slab would be pages that the system hands out anew, and clears
 * (measured: a microsecond of an event's time; see role-runtime.ts).
 */
const SLAB_BYTES = 124 * 1024;

const OPENING = 0x5b;
const COMMA = 0x2c;
const CLOSING = 0x5d;

/** Texts of one request and one partition, put together so that they are written at once. */
export interface Chunk {
  /** JSON texts of events, separated by commas. */
  readonly json: string;
  /** Of the events in their request. */
  readonly indexes: readonly number[];
}

/** A pack is bounded in bytes and text is measured in characters, of up to three bytes: room for the worst case. */
const MAX_BYTES_PER_CHARACTER = 3;

/** Puts events together into chunks that one pack can hold; an event that is larger by itself is a chunk by itself. */
export function createChunker(options: PackingOptions, onChunk: (chunk: Chunk) => void) {
  let json = '';
  let indexes: number[] = [];
  const flush = () => {
    if (indexes.length > 0) onChunk({ json, indexes });
    json = '';
    indexes = [];
  };
  return {
    add(eventJson: string, index: number) {
      const characters = json.length + eventJson.length + 3;
      if (indexes.length === options.maxEvents || MAX_BYTES_PER_CHARACTER * characters > options.maxBytes) flush();
      json = indexes.length === 0 ? eventJson : `${json},${eventJson}`;
      indexes.push(index);
    },
    flush,
  };
}

/**
 * Writes the chunks of one partition into packs, as UTF-8, into slabs outside of the JavaScript heap: what waits for a
 * broker is then a few buffers, which garbage collection does not copy, instead of thousands of strings.
 * `onOpen` is given each pack when its first chunk is in it.
 */
export function createPacker(options: PackingOptions, onOpen: (pack: Pack) => void) {
  let slab = Buffer.alloc(0);
  let used = 0;
  let open: OpenPack | undefined;

  /** Nothing more is added to the open pack. The byte behind it is kept for its closing bracket. */
  const seal = () => {
    if (open !== undefined) used++;
    open = undefined;
  };
  const onEnd = (pack: OpenPack) => {
    if (pack === open) seal();
  };

  /** Where things are, in the open pack or beside it. */
  const fits = (bytes: number, events: number): boolean =>
    used + bytes + 2 <= slab.length && open?.fits(bytes, events) !== false;

  return {
    add({ json, indexes }: Chunk, ticket: Ticket): void {
      let bytes = MAX_BYTES_PER_CHARACTER * json.length + 1;
      // To measure text takes its time, and nearly all fits whatever it is. What does not would leave most of a slab empty.
      if (!fits(bytes, indexes.length)) bytes = Buffer.byteLength(json) + 1;
      if (open !== undefined && !open.fits(bytes, indexes.length)) seal();
      if (used + bytes + 2 > slab.length) {
        seal();
        slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, options.maxBytes, bytes + 1));
        used = 0;
      }
      const pack = open ?? new OpenPack(slab, used, options, onEnd);
      slab[used] = pack === open ? COMMA : OPENING;
      used += 1 + slab.write(json, used + 1);
      pack.grow(used, ticket, indexes);
      if (pack === open) return;
      open = pack;
      onOpen(pack);
    },
  };
}

/**
 * A class, though each is used once: V8 keeps the accessors of an object literal in a hidden class of the object's own, which
 * holds all that they close over until the whole heap is looked through. So each event's ticket outlived its answer.
 */
class OpenPack implements Pack {
  readonly #slab: Buffer;
  readonly #start: number;
  readonly #options: PackingOptions;
  readonly #onEnd: (pack: OpenPack) => void;
  readonly #tickets: Ticket[] = [];
  readonly #indexes: (readonly number[])[] = [];
  #end: number;
  #count = 0;

  constructor(slab: Buffer, start: number, options: PackingOptions, onEnd: (pack: OpenPack) => void) {
    this.#slab = slab;
    this.#start = start;
    this.#end = start;
    this.#options = options;
    this.#onEnd = onEnd;
  }

  get bytes(): number {
    return this.#end - this.#start + 1 + PACK_OVERHEAD_BYTES;
  }

  /** Of the youngest of its events: while one is waited for, the pack is worth sending. */
  get deadlineMs(): number {
    return this.#tickets.at(-1)?.deadlineMs ?? 0;
  }

  fits(bytes: number, events: number): boolean {
    const { maxEvents, maxBytes } = this.#options;
    return this.#count + events <= maxEvents && this.#end - this.#start + bytes + 1 <= maxBytes;
  }

  grow(end: number, ticket: Ticket, indexes: readonly number[]): void {
    this.#end = end;
    this.#count += indexes.length;
    this.#tickets.push(ticket);
    this.#indexes.push(indexes);
  }

  settle(outcome: Outcome): void {
    this.#onEnd(this);
    for (const [at, ticket] of this.#tickets.entries()) ticket.settle(this.#indexes[at] ?? [], outcome);
  }

  /** Ends the array. */
  toRecord(): Buffer {
    this.#onEnd(this);
    this.#slab[this.#end] = CLOSING;
    return this.#slab.subarray(this.#start, this.#end + 1);
  }
}
