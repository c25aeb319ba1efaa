import { randomBytes } from 'node:crypto';

export interface IdSource {
  /** A new id. */
  next(): string;
}

const POOL_BYTES = 4096;
const RANDOM_BYTES_PER_ID = 10;
/** The first of the 4 digits that begin with the variant bits 10 (RFC 9562, section 4.1), by any digit in their place. */
const VARIANT_DIGIT: Readonly<Record<string, string>> = Object.fromEntries(
  Array.from('0123456789abcdef', (digit, value) => [digit, (8 | (value & 3)).toString(16)]),
);

/**
 * UUID version 7 (RFC 9562, section 5.7): 48 bits of milliseconds, then random bits. Random bytes are drawn from the
 * system in pools, since one call for each id costs more than the rest of the work.
 */
export function createUuidV7Source(now: () => number, random: (bytes: number) => Buffer = randomBytes): IdSource {
  let digits = '';
  let used = 0;
  let timeMs = -1;
  let time = '';
  return {
    next() {
      if (used >= digits.length) {
        digits = random(POOL_BYTES).toString('hex', 0, POOL_BYTES - (POOL_BYTES % RANDOM_BYTES_PER_ID));
        used = 0;
      }
      const nowMs = now();
      if (nowMs !== timeMs) {
        timeMs = nowMs;
        const hex = nowMs.toString(16).padStart(12, '0');
        time = `${hex.slice(0, 8)}-${hex.slice(8)}-7`;
      }
      const at = used;
      used += 2 * RANDOM_BYTES_PER_ID;
      // The first random digit gives way to the version and is left out.
      const variant = VARIANT_DIGIT[digits[at + 4] as string] as string;
      return `${time}${digits.slice(at + 1, at + 4)}-${variant}${digits.slice(at + 5, at + 8)}-${digits.slice(at + 8, at + 20)}`;
    },
  };
}
