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

/**
 * Puts a body together from its pieces. What it takes is asked of the hold before it is allocated. Pieces are copied into
 * one growing buffer: they may be of a single byte each, and kept as they came such a piece costs two hundred.
 */
export function createGathering(hold: Hold, { limitBytes, expectedBytes, besideBytes = 0 }: GatherOptions) {
  let buffer: Buffer = Buffer.alloc(0);
  let length = 0;

  const grow = (needed: number): boolean => {
    const most = Math.max(needed, Math.min(expectedBytes ?? limitBytes, limitBytes));
    const capacity = Math.min(most, Math.max(needed, FIRST_BYTES, 2 * buffer.length));
    if (!hold.cover(besideBytes + capacity)) return false;
    const larger = Buffer.allocUnsafeSlow(capacity);
    buffer.copy(larger, 0, 0, length);
    buffer = larger;
    return true;
  };

  return {
    add(piece: Buffer): Gathered {
      const needed = length + piece.length;
      if (needed > limitBytes) return 'too_large';
      // Nearly all bodies come in one piece, which is theirs already.
      if (length === 0 && piece.length === expectedBytes) {
        if (!hold.cover(besideBytes + needed)) return 'no_room';
        buffer = piece;
      } else {
        if (needed > buffer.length && !grow(needed)) return 'no_room';
        piece.copy(buffer, length);
      }
      length = needed;
      return 'taken';
    },
    bytes: (): Buffer => (length === buffer.length ? buffer : buffer.subarray(0, length)),
  };
}

export function noRoom(retryAfterSeconds: number): Problem {
  return new Problem('PS_OVERLOADED', 'Nothing of this request was accepted; send it again', retryAfterSeconds);
}
