/** Bytes, and the same bytes to be read by words. */
export interface Text {
  readonly bytes: Buffer;
  readonly view: DataView;
}

/** Gives the text of the JSON string from `from` to `to`. */
type ReadText = (text: Text, from: number, to: number) => string;

const SLOTS = 1 << 13;
const MAX_BYTES = 64;
const WORD = 4;

/**
 * A reader of strings that remembers what it read: events of one time name the same pages, visitors and devices again
 * and again, and to compare some bytes costs less than to make a string. Each has one slot, where another may replace
 * it, so what is kept is bounded.
 */
export function createRecall(): ReadText {
  const kept = new DataView(new ArrayBuffer(SLOTS * MAX_BYTES));
  const lengths = new Int32Array(SLOTS);
  const values = Array.from({ length: SLOTS }, () => '');
  return (text, from, to) => {
    const { view } = text;
    const length = to - from;
    if (length > MAX_BYTES) return readText(text, from, to);
    const slot = hash(view, from, to) & (SLOTS - 1);
    const shift = slot * MAX_BYTES - from;
    if (lengths[slot] === length && isSame(view, from, to, kept, shift)) return values[slot] as string;
    for (let at = from; at < to; at++) kept.setUint8(at + shift, view.getUint8(at));
    lengths[slot] = length;
    values[slot] = readText(text, from, to);
    return values[slot] as string;
  };
}

/** The text of the JSON string from `from` to `to`. */
export function readText({ bytes }: Text, from: number, to: number): string {
  const text = bytes.toString('utf8', from + 1, to - 1);
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
}

/** What stands from `from` to `to`, and in `other` so much further on. */
function isSame(view: DataView, from: number, to: number, other: DataView, shift: number): boolean {
  let at = from;
  for (; at + WORD <= to; at += WORD) if (view.getInt32(at, true) !== other.getInt32(at + shift, true)) return false;
  for (; at < to; at++) if (view.getUint8(at) !== other.getUint8(at + shift)) return false;
  return true;
}

/** FNV-1a by words. Who finds texts that share a slot makes it useless, and nothing worse. */
function hash(view: DataView, from: number, to: number): number {
  let sum = 0x811c9dc5;
  let at = from;
  for (; at + WORD <= to; at += WORD) {
    sum = Math.imul(sum ^ view.getInt32(at, true), 0x01000193);
    sum ^= sum >>> 15;
  }
  for (; at < to; at++) sum = Math.imul(sum ^ view.getUint8(at), 0x01000193);
  return sum ^ (sum >>> 15);
}
