import { expiryKey } from '../../store/keys.js';
import type { Write } from '../../store/types.js';

/** Messages of neighbouring sequence numbers that share one entry of the index. */
export const EXPIRY_BLOCK = 1024;

interface Block {
  /** When the first of its messages expires, as it is in the store: never later than that. */
  earliestMs: number;
  /** When to look at it; later than `earliestMs` while what has expired is locked. */
  lookAtMs: number;
}

export const blockOf = (sequence: number): number => Math.floor(sequence / EXPIRY_BLOCK);

export type Expiry = ReturnType<typeof createExpiry>;

/**
 * When to look for messages that have expired. An index with an entry for each message would cost a write and a removal
 * more for each; here a block of 1,024 messages has one entry with its earliest expiry, and whoever looks reads the block.
 */
export function createExpiry(id: number) {
  const blocks = new Map<number, Block>();
  const dirty = new Set<number>();
  let nextMs = Number.POSITIVE_INFINITY;
  /** The block that is being looked at, and the earliest expiry that was noted in it since. */
  let looking: { readonly number: number; sinceMs: number } | undefined;

  const sawSince = (number: number, expiresAtMs: number): void => {
    if (looking?.number === number) looking.sinceMs = Math.min(looking.sinceMs, expiresAtMs);
  };

  function recountNext(): void {
    nextMs = Number.POSITIVE_INFINITY;
    for (const { lookAtMs } of blocks.values()) nextMs = Math.min(nextMs, lookAtMs);
  }

  /** Answers whether the block is new. */
  function note(number: number, expiresAtMs: number, stored: boolean): boolean {
    const block = blocks.get(number);
    sawSince(number, expiresAtMs);
    if (block === undefined) blocks.set(number, { earliestMs: expiresAtMs, lookAtMs: expiresAtMs });
    // Also when it is not the earliest: that one may be locked, and is not looked for at its time.
    else if (expiresAtMs < block.lookAtMs) block.lookAtMs = expiresAtMs;
    else return false;
    nextMs = Math.min(nextMs, expiresAtMs);
    if (block !== undefined && expiresAtMs >= block.earliestMs) return false;
    if (block !== undefined) block.earliestMs = expiresAtMs;
    if (!stored) dirty.add(number);
    return block === undefined;
  }

  return {
    /** A message was put; answers whether it began a new block. */
    note: (sequence: number, expiresAtMs: number): boolean =>
      expiresAtMs < Number.POSITIVE_INFINITY && note(blockOf(sequence), expiresAtMs, false),

    /** What an earlier life has stored. */
    load: (number: number, earliestMs: number): boolean => note(number, earliestMs, true),

    /** A message is there again that could not expire while it was locked. */
    lookAgain(sequence: number, expiresAtMs: number): void {
      const block = blocks.get(blockOf(sequence));
      sawSince(blockOf(sequence), expiresAtMs);
      if (block === undefined || expiresAtMs >= block.lookAtMs) return;
      block.lookAtMs = expiresAtMs;
      nextMs = Math.min(nextMs, expiresAtMs);
    },

    /** When to look next; Infinity when nothing expires. */
    nextMs: (): number => nextMs,

    /** A block to look at now; `looked` follows. */
    due(nowMs: number): { readonly number: number; readonly earliestMs: number } | undefined {
      if (nextMs > nowMs) return undefined;
      for (const [number, { lookAtMs, earliestMs }] of blocks) {
        if (lookAtMs > nowMs) continue;
        looking = { number, sinceMs: Number.POSITIVE_INFINITY };
        return { number, earliestMs };
      }
      return undefined;
    },

    /**
     * A block was looked at: what was there expires at `foundMs` (Infinity: never) at the earliest, and is to be looked for
     * at `againMs`. What was put meanwhile counts as well.
     */
    looked(number: number, foundMs: number, againMs: number): void {
      const sinceMs = looking?.number === number ? looking.sinceMs : Number.POSITIVE_INFINITY;
      looking = undefined;
      const earliestMs = Math.min(foundMs, sinceMs);
      const lookAtMs = Math.min(againMs, sinceMs);
      const before = blocks.get(number)?.earliestMs;
      if (earliestMs === Number.POSITIVE_INFINITY) blocks.delete(number);
      else blocks.set(number, { earliestMs, lookAtMs });
      if (before !== earliestMs) dirty.add(number);
      recountNext();
    },

    /** Forgets the blocks whose messages are all gone. */
    forgetBelow(sequence: number): void {
      for (const number of blocks.keys()) {
        if (number >= blockOf(sequence)) continue;
        blocks.delete(number);
        dirty.add(number);
      }
    },

    /** What has to be written with the next batch. */
    takeWrites(): Write[] {
      if (dirty.size === 0) return [];
      const writes = [...dirty].map((number): Write => {
        const key = expiryKey(id, number);
        const block = blocks.get(number);
        if (block === undefined) return { key };
        const value = Buffer.allocUnsafe(8);
        value.writeDoubleBE(block.earliestMs, 0);
        return { key, value };
      });
      dirty.clear();
      return writes;
    },
  };
}
