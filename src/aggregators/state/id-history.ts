import { sipHash } from '../../shared/siphash.js';

/**
 * The event ids of a partition's recent past, to tell a repeated event from a new one: Event Hubs does not deduplicate.
 * Ids are kept as 64-bit hashes in two generations of bounded size, so memory is bounded and forgetting costs nothing.
 * Two different ids are taken for one another about once in 10^13 events.
 */
export interface IdHistory {
  /** Remembers an id that reached the hub at `nowMs`. Returns false when it is remembered already. */
  add(id: string, nowMs: number): boolean;
  /** Everything that is remembered, for a snapshot. */
  save(): SavedIds;
  readonly size: number;
}

export interface IdHistoryOptions {
  /** Ids are remembered in two generations; the older is forgotten when the newer has lasted this long … */
  readonly rotateAfterMs: number;
  /** … or holds this many. */
  readonly maxIdsPerGeneration: number;
}

export type Seed = readonly [number, number];

export interface SavedIds {
  readonly seed: Seed;
  readonly rotatedAtMs: number;
  /** Pairs of 32-bit halves. */
  readonly current: Uint32Array;
  readonly previous: Uint32Array;
}

/** `seed` keys the hash of a new history: who does not know it cannot make ids that are taken for one another. */
export function createIdHistory(options: IdHistoryOptions, newSeed: Seed, saved?: SavedIds): IdHistory {
  const seed = saved?.seed ?? newSeed;
  let current = createHashSet(saved?.current);
  let previous = createHashSet(saved?.previous);
  let rotatedAtMs = saved?.rotatedAtMs ?? Number.NEGATIVE_INFINITY;
  return {
    add(id, nowMs) {
      if (rotatedAtMs === Number.NEGATIVE_INFINITY) rotatedAtMs = nowMs;
      if (nowMs - rotatedAtMs >= options.rotateAfterMs || current.size >= options.maxIdsPerGeneration) {
        previous = current;
        current = createHashSet();
        rotatedAtMs = nowMs;
      }
      const { high, low } = sipHash(id, seed[0], seed[1]);
      // Low 0 marks a free slot.
      if (previous.has(high, low || 1)) return false;
      return current.add(high, low || 1);
    },
    save: () => ({ seed, rotatedAtMs, current: current.values(), previous: previous.values() }),
    get size() {
      return current.size + previous.size;
    },
  };
}

interface HashSet64 {
  has(high: number, low: number): boolean;
  /** Returns false when the value was there. */
  add(high: number, low: number): boolean;
  values(): Uint32Array;
  readonly size: number;
}

const FIRST_SLOTS = 1 << 6;

/** Open addressing with linear probing over a flat array, at most half full. */
function createHashSet(saved?: Uint32Array): HashSet64 {
  let slots = FIRST_SLOTS;
  while (saved !== undefined && slots < saved.length) slots *= 2;
  let table = new Uint32Array(slots * 2);
  let size = 0;

  /** Index of the value, or of the free slot where it belongs. */
  const find = (high: number, low: number): number => {
    const mask = slots - 1;
    let slot = (high ^ low) & mask;
    for (;;) {
      const at = slot * 2;
      if (table[at + 1] === 0 || (table[at + 1] === low && table[at] === high)) return at;
      slot = (slot + 1) & mask;
    }
  };
  const put = (at: number, high: number, low: number) => {
    table[at] = high;
    table[at + 1] = low;
    size++;
  };
  const grow = () => {
    const old = table;
    slots *= 2;
    table = new Uint32Array(slots * 2);
    size = 0;
    for (let at = 0; at < old.length; at += 2) {
      const low = old[at + 1] as number;
      if (low !== 0) put(find(old[at] as number, low), old[at] as number, low);
    }
  };
  for (let at = 0; saved !== undefined && at + 1 < saved.length; at += 2) {
    const high = saved[at] as number;
    const low = saved[at + 1] as number;
    if (low !== 0) put(find(high, low), high, low);
  }
  return {
    has: (high, low) => table[find(high, low) + 1] !== 0,
    add(high, low) {
      const at = find(high, low);
      if (table[at + 1] !== 0) return false;
      put(at, high, low);
      if (size * 2 > slots) grow();
      return true;
    },
    values() {
      const values = new Uint32Array(size * 2);
      let to = 0;
      for (let at = 0; at < table.length; at += 2) {
        if (table[at + 1] === 0) continue;
        values[to++] = table[at] as number;
        values[to++] = table[at + 1] as number;
      }
      return values;
    },
    get size() {
      return size;
    },
  };
}
