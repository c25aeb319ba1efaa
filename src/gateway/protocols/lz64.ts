/**
 * The text of LZString's base64 form (`compressToBase64`), which PostHog's older browser library sends as `lz64`. Written
 * here because the library itself has no bound on what it unpacks, and LZ78 unpacks to the square of what it is given.
 */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const BITS_PER_CHARACTER = 6;
/** What the first codes mean: a character of 8 bits, one of 16, the end. */
const BYTE = 0;
const WORD = 1;
const END = 2;
const FIRST_CODE = 3;

const values = new Map([...ALPHABET].map((character, value) => [character, value]));

/** Undefined when it is not LZString's, is cut short, or unpacks to more than `maxLength` characters. */
export function decodeLz64(text: string, maxLength: number): string | undefined {
  const bits = createBits(text);
  const entries: string[] = new Array<string>(FIRST_CODE).fill('');
  let width = 3;
  /** Entries that fit before codes get a bit wider. */
  let room = 4;

  const readLiteral = (code: number): string | undefined => {
    const unit = bits.read(code === BYTE ? 8 : 16);
    return unit === undefined ? undefined : String.fromCharCode(unit);
  };
  const widen = () => {
    if (room > 0) return;
    room = 2 ** width;
    width++;
  };

  const first = bits.read(2);
  if (first === END) return '';
  if (first !== BYTE && first !== WORD) return undefined;
  let previous = readLiteral(first);
  if (previous === undefined) return undefined;
  entries.push(previous);
  const parts = [previous];
  let length = previous.length;
  for (;;) {
    const code = bits.read(width);
    if (code === undefined) return undefined;
    if (code === END) return parts.join('');
    let entry: string | undefined;
    if (code === BYTE || code === WORD) {
      entry = readLiteral(code);
      if (entry === undefined) return undefined;
      entries.push(entry);
      room--;
      widen();
    } else if (code < entries.length) entry = entries[code];
    else if (code === entries.length) entry = previous + previous.charAt(0);
    if (entry === undefined || entry === '') return undefined;
    length += entry.length;
    if (length > maxLength) return undefined;
    parts.push(entry);
    entries.push(previous + entry.charAt(0));
    room--;
    previous = entry;
    widen();
  }
}

/** Reads numbers, least significant bit first, from the six bits of each character, most significant first. */
function createBits(text: string) {
  let at = 0;
  let mask = 0;
  let value = 0;
  const next = (): number | undefined => {
    if (mask === 0) {
      const read = values.get(text.charAt(at++));
      if (read === undefined) return undefined;
      value = read;
      mask = 1 << (BITS_PER_CHARACTER - 1);
    }
    const bit = (value & mask) === 0 ? 0 : 1;
    mask >>= 1;
    return bit;
  };
  return {
    read(count: number): number | undefined {
      let number = 0;
      for (let index = 0; index < count; index++) {
        const bit = next();
        if (bit === undefined) return undefined;
        number |= bit << index;
      }
      return number;
    },
  };
}
