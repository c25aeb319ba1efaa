const KIB = 1024;
/** Bytes that may be on their way to a client before its receivers are held back. */
const CONGESTED_BYTES = 4 * KIB * KIB;
/** The same while all clients together have too many. */
const CROWDED_BYTES = 64 * KIB;

/** What one connection has on its way to its client. */
export interface OutgoingShare {
  /** Notes how many bytes it is now; answers whether no more should be added. */
  congested(bytes: number): boolean;
  /** The connection has ended. */
  leave(): void;
}

/**
 * Bounds what is on its way to clients that do not read. Beyond `maxBytes` over all connections each may have little, so that
 * those that read still get theirs.
 */
export function createOutgoingMemory(maxBytes: number): () => OutgoingShare {
  let total = 0;
  return () => {
    let own = 0;
    let left = false;
    return {
      congested(bytes) {
        if (!left) {
          total += bytes - own;
          own = bytes;
        }
        return bytes > (total > maxBytes ? CROWDED_BYTES : CONGESTED_BYTES);
      },
      leave() {
        left = true;
        total -= own;
        own = 0;
      },
    };
  };
}
