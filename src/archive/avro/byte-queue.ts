/** Bytes that come in pieces, taken in others. */
export interface ByteQueue {
  /** Where in the file the next byte is. */
  readonly at: number;
  /** So many bytes, or fewer when there are no more. */
  take(count: number): Promise<Buffer>;
  /** Puts back what was taken last. */
  putBack(bytes: Buffer): void;
}

export function createByteQueue(pieces: AsyncIterator<Buffer>): ByteQueue {
  let waiting: Buffer[] = [];
  let bytes = 0;
  let at = 0;
  return {
    get at() {
      return at;
    },
    async take(count) {
      while (bytes < count) {
        const piece = await pieces.next();
        if (piece.done) break;
        waiting.push(piece.value);
        bytes += piece.value.length;
      }
      const all = waiting.length === 1 ? (waiting[0] as Buffer) : Buffer.concat(waiting);
      const taken = all.subarray(0, count);
      waiting = taken.length < all.length ? [all.subarray(count)] : [];
      bytes -= taken.length;
      at += taken.length;
      return taken;
    },
    putBack(taken) {
      if (taken.length === 0) return;
      waiting.unshift(taken);
      bytes += taken.length;
      at -= taken.length;
    },
  };
}
