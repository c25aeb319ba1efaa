/**
 * The deferred messages that somebody has in hand: they are being read, are locked, or what was decided on them is on its
 * way to the disk. All others are in the store alone, where they are found by number; until one is let go of again nobody
 * else can have it.
 */
export function createHeld() {
  const held = new Set<number>();
  return {
    /** Takes all of these numbers, or none. */
    claim(sequences: readonly number[]): boolean {
      const wanted = new Set(sequences);
      if (wanted.size !== sequences.length || sequences.some((sequence) => held.has(sequence))) return false;
      for (const sequence of wanted) held.add(sequence);
      return true;
    },

    letGo: (sequence: number): void => void held.delete(sequence),
  };
}
