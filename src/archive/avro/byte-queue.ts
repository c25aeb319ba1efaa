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
  const waiting: Buffer[] = [];
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
      let missing = Math.min(count, bytes);
      bytes -= missing;
      at += missing;
      // Only what is taken is copied, if it is: what waits may be a whole file, of which one block is damaged.
      const taken: Buffer[] = [];
      while (missing > 0) {
        const piece = waiting.shift() as Buffer;
        if (piece.length > missing) waiting.unshift(piece.subarray(missing));
        taken.push(piece.subarray(0, missing));
        missing -= Math.min(piece.length, missing);
      }
      return taken.length === 1 ? (taken[0] as Buffer) : Buffer.concat(taken);
    },
    putBack(taken) {
      if (taken.length === 0) return;
      waiting.unshift(taken);
      bytes += taken.length;
      at -= taken.length;
    },
  };
}
