import { atMsOf, ENTRY_WORDS, type Entry, readEntry, writeEntry } from './entry.js';

export interface KnownIdsOptions {
  /** Most ids. Those that came first are forgotten, half of the table at a time. */
  readonly capacity: number;
  /** An id is known for so long after it was accepted, and not a millisecond longer. */
  readonly ageMs: number;
}

/**
 * Fingerprints of the ids of accepted events, to tell a retry from a new event. Two tables of half the capacity each: when
 * the newer is full the older is forgotten and begins anew. Flat arrays, so that there is nothing to collect: 28 to 36
 * bytes an id.
 */
export interface KnownIds {
  /** Whether an id with this fingerprint was accepted no longer than `ageMs` before. */
  has(high: number, low: number, nowMs: number): boolean;
  find(high: number, low: number, nowMs: number): Entry | undefined;
  /** Returns false, and changes nothing, when the id is known already. `entry` is copied. */
  add(entry: Entry, nowMs: number): boolean;
  /** How many are kept, and since when. */
  readonly size: number;
  readonly sinceMs: number | undefined;
}

export function createKnownIds({ capacity, ageMs }: KnownIdsOptions): KnownIds {
  const half = Math.ceil(capacity / 2);
  let newer = createTable();
  let older = createTable();

  const isFresh = (words: Int32Array, at: number, nowMs: number) => {
    const agedMs = nowMs - atMsOf(words, at);
    // A time that is yet to come is that of a clock which has been set back.
    return agedMs >= 0 && agedMs < ageMs;
  };
  const has = (high: number, low: number, nowMs: number): boolean => {
    const at = newer.find(high, low);
    if (at >= 0) return isFresh(newer.words, at, nowMs);
    const before = older.size === 0 ? -1 : older.find(high, low);
    return before >= 0 && isFresh(older.words, before, nowMs);
  };

  return {
    has,
    find(high, low, nowMs) {
      if (!has(high, low, nowMs)) return undefined;
      const at = newer.find(high, low);
      return at >= 0 ? readEntry(newer.words, at) : readEntry(older.words, older.find(high, low));
    },
    add(entry, nowMs) {
      if (half === 0) return true;
      const at = newer.find(entry.high, entry.low);
      if (at >= 0) {
        if (isFresh(newer.words, at, nowMs)) return false;
        // Known once, and long ago.
        writeEntry(newer.words, at, entry);
        return true;
      }
      if (older.size > 0 && has(entry.high, entry.low, nowMs)) return false;
      if (newer.size === half) {
        [newer, older] = [older, newer];
        newer.clear();
      }
      newer.add(entry);
      return true;
    },
    get size() {
      return newer.size + older.size;
    },
    get sinceMs() {
      const first = older.size > 0 ? older : newer;
      return first.size > 0 ? atMsOf(first.words, 0) : undefined;
    },
  };
}

const FIRST_CAPACITY = 512;

/** Entries in the order in which they came, and an index to them: open addressing, linear probing, half full at the most. */
function createTable() {
  let words = new Int32Array(FIRST_CAPACITY * ENTRY_WORDS);
  let mask = 2 * FIRST_CAPACITY - 1;
  /** An entry's number plus one, and above it bits of its fingerprint: most others are told apart without a look at them. */
  let index = new Int32Array(mask + 1);
  let size = 0;

  /** Of the entry, or of the free slot that ends the search. */
  const slotOf = (high: number, low: number): number => {
    let slot = low & mask;
    for (;;) {
      const value = index[slot] as number;
      if (value === 0) return slot;
      if (((value ^ high) & ~mask) === 0) {
        const at = ((value & mask) - 1) * ENTRY_WORDS;
        if (words[at + 1] === low && words[at] === high) return slot;
      }
      slot = (slot + 1) & mask;
    }
  };

  const grow = () => {
    const larger = new Int32Array(words.length * 2);
    larger.set(words);
    words = larger;
    mask = 2 * mask + 1;
    index = new Int32Array(mask + 1);
    for (let number = 1; number <= size; number++) put(number);
  };
  const put = (number: number) => {
    const at = (number - 1) * ENTRY_WORDS;
    const high = words[at] as number;
    index[slotOf(high, words[at + 1] as number)] = (high & ~mask) | number;
  };

  return {
    /** Where the entry begins, or -1. */
    find(high: number, low: number): number {
      const value = index[slotOf(high, low)] as number;
      return value === 0 ? -1 : ((value & mask) - 1) * ENTRY_WORDS;
    },
    /** The fingerprint must not be there. */
    add(entry: Entry): void {
      if ((size + 1) * 2 > mask) grow();
      writeEntry(words, size * ENTRY_WORDS, entry);
      put(++size);
    },
    clear(): void {
      index.fill(0);
      size = 0;
    },
    get words() {
      return words;
    },
    get size() {
      return size;
    },
  };
}
