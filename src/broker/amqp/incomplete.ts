/** The incomplete deliveries of one connection. */
export interface IncompleteDeliveries {
  /** What the connection keeps of them. */
  bytes(): number;
  /** Notes that `bytes` are kept of the delivery of `link` now; `letGo` is called when room is made for others. */
  keep(link: object, bytes: number, letGo: () => void): void;
  /** The delivery is complete, or given up. */
  done(link: object): void;
  /** The connection has ended. */
  clear(): void;
}

interface Kept {
  readonly bytes: number;
  readonly owner: { bytes: number };
  readonly letGo: () => void;
}

/**
 * Bounds what all connections together keep of deliveries that are not complete. Where it is too much, the one goes that has
 * waited longest for its next frame: a client that stops in the middle cannot keep others from sending.
 */
export function createIncompleteMemory(maxBytes: number): () => IncompleteDeliveries {
  /** By link; that which got a frame last is last. */
  const all = new Map<object, Kept>();
  let total = 0;

  function forget(link: object): void {
    const kept = all.get(link);
    if (kept === undefined) return;
    all.delete(link);
    total -= kept.bytes;
    kept.owner.bytes -= kept.bytes;
  }

  return () => {
    const owner = { bytes: 0 };
    return {
      bytes: () => owner.bytes,
      keep(link, bytes, letGo) {
        forget(link);
        all.set(link, { bytes, owner, letGo });
        total += bytes;
        owner.bytes += bytes;
        for (const [oldest, kept] of all) {
          if (total <= maxBytes || oldest === link) break;
          forget(oldest);
          kept.letGo();
        }
      },
      done: forget,
      clear() {
        for (const [link, kept] of all) if (kept.owner === owner) forget(link);
      },
    };
  };
}
