import { randomBytes } from 'node:crypto';

export interface IdSource {
  /** A new id. */
  next(): string;
}

const RANDOM_BYTES_PER_ID = 10;
const IDS_PER_POOL = 400;
/** `rrr-vrrr-rrrrrrrrrrrr`: what follows the version. */
const REST_LENGTH = 21;

/**
 * UUID version 7 (RFC 9562, section 5.7): 48 bits of milliseconds, then random bits. Random bytes are drawn from the
 * system in pools and written as text at once, since one call for each id costs more than the rest of the work; an id
 * is then two pieces of text, and not one for each of its groups.
 */
export function createUuidV7Source(now: () => number, random: (bytes: number) => Buffer = randomBytes): IdSource {
  let pool = '';
  let used = 0;
  let timeMs = -1;
  let time = '';
  return {
    next() {
      if (used === pool.length) {
        pool = writePool(random(IDS_PER_POOL * RANDOM_BYTES_PER_ID));
        used = 0;
      }
      const nowMs = now();
      if (nowMs !== timeMs) {
        timeMs = nowMs;
        const hex = nowMs.toString(16).padStart(12, '0');
        time = `${hex.slice(0, 8)}-${hex.slice(8)}-7`;
      }
      const at = used;
      used += REST_LENGTH;
      return time + pool.slice(at, used);
    },
  };
}

const HYPHEN = 0x2d;
const DIGITS = Buffer.from('0123456789abcdef', 'latin1');
/** The first of the 4 digits of its group begins with the variant bits 10 (section 4.1). */
const VARIANT_BITS = 0b1000;

/** The rests of as many ids as there are bytes for. The first digit of each gives way to the version and is left out. */
function writePool(bytes: Buffer): string {
  const text = Buffer.allocUnsafe((bytes.length / RANDOM_BYTES_PER_ID) * REST_LENGTH);
  let at = 0;
  for (let digit = 0; digit < 2 * bytes.length; digit++) {
    const place = digit % (2 * RANDOM_BYTES_PER_ID);
    if (place === 0) continue;
    if (place === 4 || place === 8) text[at++] = HYPHEN;
    const byte = bytes[digit >> 1] as number;
    const value = digit % 2 === 0 ? byte >> 4 : byte & 0xf;
    text[at++] = DIGITS[place === 4 ? VARIANT_BITS | (value & 3) : value] as number;
  }
  return text.toString('latin1');
}
