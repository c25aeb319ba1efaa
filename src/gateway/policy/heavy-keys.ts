/**
 * Finds the keys that come most often in a stream, with `capacity` counters for any number of keys (Misra and Gries,
 * 1982): a counter never says more than the truth, and at the most a `capacity`-th of the stream less. So every key that
 * makes up more than that share of it is here.
 */
export function createHeavyKeys(capacity: number) {
  const counters = new Map<string, number>();

  /** One of each: what is left has come more often than everything that was crowded out. */
  const decrementAll = () => {
    for (const [key, count] of counters) {
      if (count === 1) counters.delete(key);
      else counters.set(key, count - 1);
    }
  };

  return {
    /** Counts a key once, and gives its counter. */
    add(key: string): number {
      const count = counters.get(key);
      if (count === undefined && counters.size >= capacity) {
        decrementAll();
        return 0;
      }
      counters.set(key, (count ?? 0) + 1);
      return (count ?? 0) + 1;
    },
    clear: () => counters.clear(),
  };
}
