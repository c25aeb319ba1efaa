import type { LogEvent } from './frame.js';

/**
 * Events that were read from disk with those that a reader asked for. One read brings a megabyte or a large frame, and
 * a reader takes a few hundred events of it at a time.
 */
export interface ReadAhead {
  put(owner: object, events: readonly LogEvent[]): void;
  /** Events from `sequence` on, if any are here. */
  take(owner: object, sequence: number, limit: number): readonly LogEvent[] | undefined;
  forget(owner: object): void;
}

interface Row {
  readonly owner: object;
  readonly events: readonly LogEvent[];
  readonly first: number;
  readonly bytes: number;
}

export function createReadAhead(budgetBytes: number): ReadAhead {
  /** Least recently used first; a few, as each holds a megabyte or so. */
  let rows: Row[] = [];
  let heldBytes = 0;

  function drop(row: Row): void {
    rows = rows.filter((other) => other !== row);
    heldBytes -= row.bytes;
  }

  return {
    put(owner, events) {
      const first = events[0]?.sequence;
      if (first === undefined) return;
      const bytes = events.reduce((sum, { record }) => sum + record.length, 0);
      rows.push({ owner, events, first, bytes });
      heldBytes += bytes;
      while (heldBytes > budgetBytes && rows[0] !== undefined) drop(rows[0]);
    },
    take(owner, sequence, limit) {
      const has = (row: Row) =>
        row.owner === owner && row.first <= sequence && sequence < row.first + row.events.length;
      const row = rows.find(has);
      if (row === undefined) return undefined;
      drop(row);
      const from = sequence - row.first;
      // Kept while a part of it is still to come; a reader that could not take all asks again for the rest.
      if (from + limit < row.events.length) {
        rows.push(row);
        heldBytes += row.bytes;
      }
      return row.events.slice(from, from + limit);
    },
    forget(owner) {
      for (const row of rows.filter((one) => one.owner === owner)) drop(row);
    },
  };
}
