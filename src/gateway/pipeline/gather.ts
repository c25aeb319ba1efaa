import { Problem } from '../problem.js';
import type { Hold } from '../publish/budget.js';

export interface GatherOptions {
  /** Largest whole. */
  readonly limitBytes: number;
  /** Size of the whole, where it is known. */
  readonly expectedBytes?: number | undefined;
  /** What the hold covers already for something else, such as the body that this one is decompressed from. */
  readonly besideBytes?: number;
}

/** What one more piece came to. */
export type Gathered = 'taken' | 'too_large' | 'no_room';

const FIRST_BYTES = 1024;
const NOTHING = Buffer.alloc(0);

/**
 * Puts a body together from its pieces. What it takes is asked of the hold before it is allocated. Pieces are copied into
 * one growing buffer: they may be of a single byte each, and kept as they came such a piece costs two hundred. A class,
 * since every request has one: functions of its own would be made anew for each.
 */
export class Gathering {
  readonly #hold: Hold;
  readonly #options: GatherOptions;
  #buffer: Buffer = NOTHING;
  #length = 0;

  constructor(hold: Hold, options: GatherOptions) {
    this.#hold = hold;
    this.#options = options;
  }

  add(piece: Buffer): Gathered {
    const { limitBytes, expectedBytes } = this.#options;
    const needed = this.#length + piece.length;
    if (needed > limitBytes) return 'too_large';
    // Nearly all bodies come in one piece, which is theirs already.
    if (this.#length === 0 && piece.length === expectedBytes) {
      if (!this.#cover(needed)) return 'no_room';
      this.#buffer = piece;
    } else {
      if (needed > this.#buffer.length && !this.#grow(needed)) return 'no_room';
      piece.copy(this.#buffer, this.#length);
    }
    this.#length = needed;
    return 'taken';
  }

  bytes(): Buffer {
    return this.#length === this.#buffer.length ? this.#buffer : this.#buffer.subarray(0, this.#length);
  }

  #grow(needed: number): boolean {
    const { limitBytes, expectedBytes } = this.#options;
    const most = Math.max(needed, Math.min(expectedBytes ?? limitBytes, limitBytes));
    // A length that is held already is taken at once: pages that nothing was written to are none yet.
    const enough = this.#hold.covers((this.#options.besideBytes ?? 0) + most)
      ? most
      : Math.max(needed, FIRST_BYTES, 2 * this.#buffer.length);
    const capacity = Math.min(most, enough);
    if (!this.#cover(capacity)) return false;
    const larger = Buffer.allocUnsafeSlow(capacity);
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
    return true;
  }

  #cover(bytes: number): boolean {
    return this.#hold.cover((this.#options.besideBytes ?? 0) + bytes);
  }
}

export function noRoom(retryAfterSeconds: number): Problem {
  return new Problem('PS_OVERLOADED', 'Nothing of this request was accepted; send it again', retryAfterSeconds);
}
