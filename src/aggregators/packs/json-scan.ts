/** What the functions here answer when there is no JSON of the kind, or such as the gateway does not write. */
export const NONE = -1;

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = [0x5b, 0x5d, 0x7b, 0x7d];
const [MINUS, PLUS, POINT, ZERO, NINE, SMALL_E, SMALL_U] = [0x2d, 0x2b, 0x2e, 0x30, 0x39, 0x65, 0x75];
const MAX_DEPTH = 64;
const WORD = 4;

/** Of JSON text: the byte there, 0 behind its end. */
export const byteAt = (text: DataView, at: number): number => (at >= 0 && at < text.byteLength ? text.getUint8(at) : 0);

/**
 * Behind the JSON string that begins at `from`. It looks at four bytes at a time, so a string that ends with the last
 * bytes of the text is not taken: every pack has some more behind its last.
 */
export function endOfString(text: DataView, from: number): number {
  if (byteAt(text, from) !== QUOTE) return NONE;
  const lastWord = text.byteLength - WORD;
  let at = from + 1;
  while (at <= lastWord) {
    const marks = marksOf(text.getInt32(at, true));
    if (marks === 0) {
      at += WORD;
      continue;
    }
    // The lowest mark is the first byte's.
    at += (31 - Math.clz32(marks & -marks)) >> 3;
    const stop = text.getUint8(at);
    if (stop === QUOTE) return at + 1;
    if (stop !== BACKSLASH) return NONE;
    at = endOfEscape(text, at + 1);
    if (at === NONE) return NONE;
  }
  return NONE;
}

/**
 * The highest bit of each of four bytes that is a quote, a backslash or a control character: what does not stand for
 * itself in a string (RFC 8259, section 7). The lowest bit that is set is right, those above may be wrong (Anderson, "Bit
 * Twiddling Hacks", "Determine if a word has a byte less than n").
 */
function marksOf(word: number): number {
  const quotes = word ^ 0x22222222;
  const backslashes = word ^ 0x5c5c5c5c;
  return (
    (((word - 0x20202020) & ~word) | ((quotes - 0x01010101) & ~quotes) | ((backslashes - 0x01010101) & ~backslashes)) &
    0x80808080
  );
}

const escapes = new Set(Buffer.from('"\\/bfnrt'));

function endOfEscape(text: DataView, at: number): number {
  if (byteAt(text, at) !== SMALL_U) return escapes.has(byteAt(text, at)) ? at + 1 : NONE;
  for (let digit = at + 1; digit <= at + 4; digit++) if (!isHex(byteAt(text, digit))) return NONE;
  return at + 5;
}

const isDigit = (byte: number): boolean => byte >= ZERO && byte <= NINE;
/** Setting one bit makes capital letters small, and nothing else a letter from a to f. */
const isHex = (byte: number): boolean => isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);

const literals = ['true', 'false', 'null'].map(expected);

/**
 * Behind the JSON value (RFC 8259) that begins at `from`. Blanks between its parts, and nesting deeper than
 * the gateway lets pass, are not taken.
 */
export function endOfValue(text: DataView, from: number, depth = MAX_DEPTH): number {
  const first = byteAt(text, from);
  if (first === QUOTE) return endOfString(text, from);
  if (first === OPEN || first === OPEN_LIST) return depth === 0 ? NONE : endOfMembers(text, from, depth);
  if (first === MINUS || isDigit(first)) return endOfNumber(text, from);
  for (const literal of literals) {
    const end = endOf(text, from, literal);
    if (end !== NONE) return end;
  }
  return NONE;
}

/** Of an object or a list. */
function endOfMembers(text: DataView, from: number, depth: number): number {
  const isObject = byteAt(text, from) === OPEN;
  const close = isObject ? CLOSE : CLOSE_LIST;
  let at = from + 1;
  if (byteAt(text, at) === close) return at + 1;
  for (;;) {
    if (isObject) {
      at = endOfString(text, at);
      if (at === NONE || byteAt(text, at) !== COLON) return NONE;
      at++;
    }
    at = endOfValue(text, at, depth - 1);
    if (at === NONE) return NONE;
    const next = byteAt(text, at);
    if (next === close) return at + 1;
    if (next !== COMMA) return NONE;
    at++;
  }
}

function endOfNumber(text: DataView, from: number): number {
  const whole = byteAt(text, from) === MINUS ? from + 1 : from;
  let at = byteAt(text, whole) === ZERO ? whole + 1 : endOfDigits(text, whole);
  if (at !== NONE && byteAt(text, at) === POINT) at = endOfDigits(text, at + 1);
  if (at === NONE || (byteAt(text, at) | 0x20) !== SMALL_E) return at;
  const sign = byteAt(text, at + 1);
  return endOfDigits(text, sign === PLUS || sign === MINUS ? at + 2 : at + 1);
}

/** Behind one digit or more. */
function endOfDigits(text: DataView, from: number): number {
  let at = from;
  while (isDigit(byteAt(text, at))) at++;
  return at === from ? NONE : at;
}

/** Text to be found by words: four bytes or more, the last word laps over the one before. */
export interface Expected {
  readonly length: number;
  readonly words: Int32Array;
  readonly lastWord: number;
}

export function expected(text: string): Expected {
  const bytes = Buffer.from(text, 'latin1');
  const words = Int32Array.from({ length: bytes.length >> 2 }, (_, index) => bytes.readInt32LE(index * WORD));
  return { length: bytes.length, words, lastWord: bytes.readInt32LE(bytes.length - WORD) };
}

/** Behind this very text. */
export function endOf(text: DataView, from: number, { length, words, lastWord }: Expected): number {
  const to = from + length;
  if (from === NONE || to > text.byteLength) return NONE;
  for (let index = 0, at = from; index < words.length; index++, at += WORD)
    if (text.getInt32(at, true) !== words[index]) return NONE;
  return text.getInt32(to - WORD, true) === lastWord ? to : NONE;
}

/** Behind what stands from `first` to `last` as well. */
export function endOfRepetition(text: DataView, from: number, first: number, last: number): number {
  const to = from + last - first;
  if (from === NONE || first === NONE || to > text.byteLength) return NONE;
  const shift = first - from;
  let at = from;
  for (; at + WORD <= to; at += WORD) if (text.getInt32(at, true) !== text.getInt32(at + shift, true)) return NONE;
  for (; at < to; at++) if (text.getUint8(at) !== text.getUint8(at + shift)) return NONE;
  return to;
}
