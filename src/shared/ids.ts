import { randomBytes } from 'node:crypto';

export interface IdSource {
  /** A new id, of this moment where that is known: to ask the clock costs as much as the id. */
  next(nowMs?: number): string;
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
    next(nowMs = now()) {
      if (used === pool.length) {
        pool = writePool(random(IDS_PER_POOL * RANDOM_BYTES_PER_ID));
        used = 0;
      }
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
  const byte = (from: number) => bytes[from] as number;
  const put = (at: number, value: number) => {
    text[at] = DIGITS[value >> 4] as number;
    text[at + 1] = DIGITS[value & 0xf] as number;
  };
  for (let from = 0, at = 0; from < bytes.length; from += RANDOM_BYTES_PER_ID, at += REST_LENGTH) {
    text[at] = DIGITS[byte(from) & 0xf] as number;
    put(at + 1, byte(from + 1));
    text[at + 3] = HYPHEN;
    put(at + 4, (VARIANT_BITS << 4) | (byte(from + 2) & 0x3f));
    put(at + 6, byte(from + 3));
    text[at + 8] = HYPHEN;
    for (let next = 0; next < 6; next++) put(at + 9 + 2 * next, byte(from + 4 + next));
  }
  return text.toString('latin1');
}
