/**
 * Places in columns (arrays that have one element for each record). A million records in a few typed arrays cost what
 * their bytes cost; a million objects would be walked by every full garbage collection, which takes a second.
 */
export interface Slots {
  take(): number;
  free(slot: number): void;
  /** All places that were ever taken are before this one. */
  readonly end: number;
}

const FIRST_CAPACITY = 64;

/** `grow` makes room for so many records, and is called first of all. The first `taken` places are taken from the start. */
export function createSlots(grow: (capacity: number) => void, taken = 0): Slots {
  let capacity = FIRST_CAPACITY;
  while (capacity < taken) capacity *= 2;
  let end = taken;
  const freed: number[] = [];
  grow(capacity);
  return {
    take() {
      const again = freed.pop();
      if (again !== undefined) return again;
      if (end === capacity) {
        capacity *= 2;
        grow(capacity);
      }
      return end++;
    },
    free: (slot) => void freed.push(slot),
    get end() {
      return end;
    },
  };
}

export type Column = Int32Array | Uint32Array | Float64Array;

/** A column of another length with the same elements at its front. */
export function withRoom<C extends Column>(column: C, length: number): C {
  const larger = new (column.constructor as new (length: number) => C)(length);
  larger.set(column);
  return larger;
}
