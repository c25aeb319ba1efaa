import { atMsOf, ENTRY_WORDS, type Entry, readEntry, writeEntry } from './entry.js';

/**
 * What became of the newest events, in a ring without an index: writing costs next to nothing, and who asks for one
 * event waits for a look through all of them, which takes milliseconds.
 */
export interface Recent {
  add(entry: Entry): void;
  /** The newest first, at most `max`. */
  find(high: number, low: number, max: number): Entry[];
  readonly size: number;
  readonly sinceMs: number | undefined;
}

const FIRST_CAPACITY = 1024;

export function createRecent(capacity: number): Recent {
  let words = new Int32Array(Math.min(capacity, FIRST_CAPACITY) * ENTRY_WORDS);
  let next = 0;
  let size = 0;
  /** Grows while nothing has been overwritten yet, so that what came first stays at the front. */
  const grow = () => {
    const larger = new Int32Array(Math.min(capacity * ENTRY_WORDS, words.length * 2));
    larger.set(words);
    words = larger;
  };
  const wordOf = (age: number) => ((next - 1 - age + 2 * size) % size) * ENTRY_WORDS;
  return {
    add(entry) {
      if (capacity === 0) return;
      if (next === capacity) next = 0;
      if (next * ENTRY_WORDS === words.length) grow();
      writeEntry(words, next++ * ENTRY_WORDS, entry);
      if (size < capacity && next > size) size = next;
    },
    find(high, low, max) {
      const found: Entry[] = [];
      for (let age = 0; age < size && found.length < max; age++) {
        const word = wordOf(age);
        if (words[word + 1] === low && words[word] === high) found.push(readEntry(words, word));
      }
      return found;
    },
    get size() {
      return size;
    },
    get sinceMs() {
      return size === 0 ? undefined : atMsOf(words, wordOf(size - 1));
    },
  };
}
