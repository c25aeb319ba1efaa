/** What is kept of an event: a fingerprint in place of its id, and what became of it. */
export interface Entry {
  /** Halves of the fingerprint, as signed numbers. */
  high: number;
  low: number;
  /** When it was settled. */
  atMs: number;
  /** How long that was after it had been received; what took more than a minute is kept as a minute. */
  tookMs: number;
  /** Of a hub; `NO_PARTITION` where there is none. */
  partition: number;
  /** A number below 256 for what became of it. */
  what: number;
  /** A number below 256 for where it went. */
  sink: number;
}

export const NO_PARTITION = 0xffff;
export const ENTRY_WORDS = 5;
export const ENTRY_BYTES = ENTRY_WORDS * Int32Array.BYTES_PER_ELEMENT;

const MAX_TOOK_MS = 0xffff;
const MS_BITS = 10;
const WHAT_BITS = 8;

export function writeEntry(words: Int32Array, at: number, entry: Entry): void {
  const seconds = Math.floor(entry.atMs / 1000);
  words[at] = entry.high;
  words[at + 1] = entry.low;
  words[at + 2] = seconds;
  words[at + 3] = (Math.min(MAX_TOOK_MS, Math.max(0, entry.tookMs)) << 16) | entry.partition;
  words[at + 4] = (entry.atMs - seconds * 1000) | (entry.what << MS_BITS) | (entry.sink << (MS_BITS + WHAT_BITS));
}

export function readEntry(words: Int32Array, at: number): Entry {
  const place = words[at + 3] as number;
  const rest = words[at + 4] as number;
  return {
    high: words[at] as number,
    low: words[at + 1] as number,
    atMs: atMsOf(words, at),
    tookMs: place >>> 16,
    partition: place & 0xffff,
    what: (rest >>> MS_BITS) & 0xff,
    sink: (rest >>> (MS_BITS + WHAT_BITS)) & 0xff,
  };
}

export function atMsOf(words: Int32Array, at: number): number {
  return ((words[at + 2] as number) >>> 0) * 1000 + ((words[at + 4] as number) & 0x3ff);
}
