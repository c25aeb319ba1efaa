import { type Hash64, sipHash } from '../../shared/siphash.js';

/** Whoever does not know it can make no two ids that are taken for one another. */
export type FingerprintKey = readonly [number, number];

export const FINGERPRINT_KEY_BYTES = 8;

export const readFingerprintKey = (bytes: Buffer): FingerprintKey => [bytes.readInt32LE(0), bytes.readInt32LE(4)];

/**
 * 64-bit fingerprints of the ids of one source; the same id of another source is another id. Among a million remembered
 * ids a new one is taken for another about once in 10^13 events. The objects that are returned are the same each time.
 */
export interface Fingerprints {
  readonly of: (text: string) => Readonly<Hash64>;
  /** Of an id that the gateway made itself: its random bits are as good as a hash, at a tenth of the cost. */
  readonly ofMade: (idJson: string) => Readonly<Hash64>;
}

/** Each source has a key of its own, so that nothing has to be put in front of the text. */
export function createFingerprints([key0, key1]: FingerprintKey, source: string): Fingerprints {
  const { high, low } = sipHash(source, key0, key1);
  const made: Hash64 = { high: 0, low: 0 };
  return {
    of: (text) => sipHash(text, high, low),
    ofMade(idJson) {
      const ofVariant = readHex(idJson, { from: VARIANT_GROUP, digits: 4 });
      made.high = high ^ readHex(idJson, { from: LAST_GROUP, digits: 8 });
      made.low = low ^ ((ofVariant << 16) | readHex(idJson, { from: LAST_GROUP + 8, digits: 4 }));
      return made;
    },
  };
}

/** What the fingerprints of a destination are combined with: what is known at one is nothing to another. */
export function createMask([key0, key1]: FingerprintKey, destination: string): Hash64 {
  // Turned about, so that no source is a destination by its name.
  const { high, low } = sipHash(destination, key1, key0);
  return { high, low };
}

/** A UUIDv7 as JSON text (RFC 9562, section 5.7): `"tttttttt-tttt-7rrr-vrrr-rrrrrrrrrrrr"`, r being random. */
const UUID_V7_JSON = /^"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"$/;
const VARIANT_GROUP = 20;
const LAST_GROUP = 25;

export const looksMade = (idJson: string): boolean => UUID_V7_JSON.test(idJson);

/** Digits are in small letters: the low four bits of a digit, and 9 more of a letter. */
function readHex(text: string, { from, digits }: { from: number; digits: number }): number {
  let value = 0;
  for (let at = from; at < from + digits; at++) {
    const unit = text.charCodeAt(at);
    value = (value << 4) | ((unit & 0xf) + 9 * (unit >> 6));
  }
  return value;
}
