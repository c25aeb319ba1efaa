import { ENTRY_WORDS, type Entry, writeEntry } from '../../../src/gateway/recall/entry.js';
import type { FingerprintKey } from '../../../src/gateway/recall/fingerprint.js';
import type { OpenJournal } from '../../../src/gateway/recall/index.js';

/** A journal in memory that outlives the gateways which write it, or loses what one of them wrote last. */
export function createMemoryJournal(key: FingerprintKey = [1, 2]) {
  const written: { writer: number; words: Int32Array }[] = [];
  let writers = 0;
  const openJournal: OpenJournal = async () => {
    const writer = writers++;
    let read = 0;
    return {
      key,
      append(entry: Entry) {
        const words = new Int32Array(ENTRY_WORDS);
        writeEntry(words, 0, entry);
        written.push({ writer, words });
      },
      async readOthers() {
        const others = written.slice(read).filter((one) => one.writer !== writer);
        read = written.length;
        return others.map(({ words }) => words);
      },
      close: async () => {},
    };
  };
  return {
    openJournal,
    /** As `kill -9` does it: what had not been written yet is gone. */
    lose: (count: number) => void written.splice(Math.max(0, written.length - count)),
  };
}
