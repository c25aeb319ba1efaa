import { sipHash } from '../../shared/siphash.js';

/** A set of texts that only grows. */
export interface IdSet {
  add(id: string): void;
  has(id: string): boolean;
  readonly size: number;
}

/** A power of two. Each part grows by itself, so that no `add` takes long, however many ids there are. */
const PARTS = 256;
const FIRST_PLACES = 8;

/**
 * Ids as keyed hashes of 64 bits, in 11 to 22 bytes each: millions of texts would take ten times as much, and be walked by every
 * full garbage collection. Among five million a text that was never added is found about once in 10^12.
 *
 * @param key whoever does not know it can make no text that is taken for another
 */
export function createIdSet(key: readonly [number, number]): IdSet {
  const parts = Array.from({ length: PARTS }, createPart);
  let size = 0;
  /** Both halves of 0 are an empty place. */
  const lowOf = (high: number, low: number) => (high === 0 && low === 0 ? 1 : low);
  return {
    add(id) {
      const { high, low } = sipHash(id, ...key);
      if ((parts[high % PARTS] as Part).add(high, lowOf(high, low))) size++;
    },
    has(id) {
      const { high, low } = sipHash(id, ...key);
      return (parts[high % PARTS] as Part).has(high, lowOf(high, low));
    },
    get size() {
      return size;
    },
  };
}

interface Part {
  /** Returns false when it is there already. */
  add(high: number, low: number): boolean;
  has(high: number, low: number): boolean;
}

/** A table of pairs, at most three quarters full, in which a pair is at the first free place from that of its low half on. */
function createPart(): Part {
  let places = FIRST_PLACES;
  let table = new Uint32Array(2 * places);
  let taken = 0;
  const isTaken = (at: number) => table[at] !== 0 || table[at + 1] !== 0;
  /** Where the pair is, or the free place at which it would be, in the table. */
  const find = (high: number, low: number): number => {
    let at = 2 * (low & (places - 1));
    while (isTaken(at) && (table[at] !== high || table[at + 1] !== low)) at = (at + 2) % table.length;
    return at;
  };
  const put = (high: number, low: number, at: number) => {
    table[at] = high;
    table[at + 1] = low;
  };
  const grow = () => {
    const before = table;
    places *= 2;
    table = new Uint32Array(2 * places);
    for (let at = 0; at < before.length; at += 2) {
      const high = before[at] as number;
      const low = before[at + 1] as number;
      if (high !== 0 || low !== 0) put(high, low, find(high, low));
    }
  };
  return {
    add(high, low) {
      const at = find(high, low);
      if (isTaken(at)) return false;
      put(high, low, at);
      taken++;
      if (taken > 0.75 * places) grow();
      return true;
    },
    has: (high, low) => isTaken(find(high, low)),
  };
}
