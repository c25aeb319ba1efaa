import type { Hash64 } from '../../shared/siphash.js';
import { type Column, createSlots, withRoom } from './slots.js';

/**
 * Keys of records that are kept in columns: each key has a place there. A key is the hash of a name, by a key that nobody
 * else knows, and the names themselves are not kept: what is saved and restored is a few arrays as they are. Of 250,000
 * names two are taken for one another about once in 10^8 times.
 */
export interface Keys {
  /** Its place, or -1. */
  find(key: Hash64): number;
  /** A place for a key that has none. */
  add(key: Hash64): number;
  /** Asks about each place, and makes those free that are not kept. */
  keep(isKept: (slot: number) => boolean): void;
  /** A copy of a column, which has so many elements for each place, without the places that are free. */
  dense<C extends Column>(column: C, width: number): C;
  /** The keys as pairs of halves, for `createKeys`; in the order of `dense`. */
  save(): Uint32Array;
  readonly size: number;
}

const NONE = -1;

/**
 * Open addressing with linear probing over places, at most half full.
 * @param grow makes room for so many records, and is called first of all
 * @param saved what an earlier `save` gave: its keys have the places 0, 1, 2 and so on
 */
export function createKeys(grow: (capacity: number) => void, saved: Uint32Array = new Uint32Array(0)): Keys {
  /** By place. Low 0 marks one that is free. */
  let keys: Uint32Array = saved;
  /**
   * Places, plus one; 0 where there is none. The bits above those of `mask` are the hash's own, so that a search that
   * meets another key mostly sees it here: the keys themselves are far away, in memory that no cache holds.
   */
  let index = new Int32Array(0);
  let size = saved.length / 2;

  const insert = (slot: number) => {
    const mask = index.length - 1;
    const hash = (keys[2 * slot] as number) ^ (keys[2 * slot + 1] as number);
    let at = hash & mask;
    while (index[at] !== 0) at = (at + 1) & mask;
    index[at] = (hash & ~mask) | (slot + 1);
  };
  const isTaken = (slot: number) => keys[2 * slot + 1] !== 0;
  const slots = createSlots((capacity) => {
    keys = withRoom(keys, 2 * capacity);
    index = new Int32Array(2 * capacity);
    for (let slot = 0; 2 * slot < keys.length; slot++) if (isTaken(slot)) insert(slot);
    grow(capacity);
  }, size);
  const dense = <C extends Column>(column: C, width: number): C => {
    if (size === slots.end) return column.slice(0, size * width) as C;
    const copy = new (column.constructor as new (length: number) => C)(size * width);
    let to = 0;
    for (let from = 0, end = 0; end < slots.end; from = end + 1) {
      for (end = from; end < slots.end && isTaken(end); ) end++;
      copy.set(column.subarray(from * width, end * width), to);
      to += (end - from) * width;
    }
    return copy;
  };

  return {
    find({ high, low }) {
      const mask = index.length - 1;
      const wanted = low || 1;
      const hash = high ^ wanted;
      for (let at = hash & mask; ; at = (at + 1) & mask) {
        const entry = index[at] as number;
        if (entry === 0) return NONE;
        if (((entry ^ hash) & ~mask) !== 0) continue;
        const slot = (entry & mask) - 1;
        if (keys[2 * slot + 1] === wanted && keys[2 * slot] === high) return slot;
      }
    },
    add({ high, low }) {
      const slot = slots.take();
      keys[2 * slot] = high;
      keys[2 * slot + 1] = low || 1;
      insert(slot);
      size++;
      return slot;
    },
    keep(isKept) {
      index.fill(0);
      for (let slot = 0; slot < slots.end; slot++) {
        if (!isTaken(slot)) continue;
        if (isKept(slot)) insert(slot);
        else {
          keys[2 * slot + 1] = 0;
          slots.free(slot);
          size--;
        }
      }
    },
    dense,
    save: () => dense(keys, 2),
    get size() {
      return size;
    },
  };
}
