/**
 * Places in columns (arrays that have one element for each record). A million records in a few typed arrays cost what
 * their bytes cost; a million objects would be walked by every full garbage collection, which takes a second.
 */
export interface Slots {
  take(): number;
  free(slot: number): void;
}

const FIRST_CAPACITY = 64;

/** `grow` makes room for so many records, and is called first of all. */
export function createSlots(grow: (capacity: number) => void): Slots {
  let capacity = FIRST_CAPACITY;
  let used = 0;
  const freed: number[] = [];
  grow(capacity);
  return {
    take() {
      const again = freed.pop();
      if (again !== undefined) return again;
      if (used === capacity) {
        capacity *= 2;
        grow(capacity);
      }
      return used++;
    },
    free: (slot) => void freed.push(slot),
  };
}

/** A typed array of another length with the same elements at its front. */
export function withRoom<Column extends Int32Array | Uint32Array | Float64Array>(
  column: Column,
  length: number,
): Column {
  const larger = new (column.constructor as new (length: number) => Column)(length);
  larger.set(column);
  return larger;
}
