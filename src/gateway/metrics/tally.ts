import { AT_BROKER, fateOf } from '../pipeline/fate.js';
import type { Prepared } from '../pipeline/prepare.js';
import type { Settlements } from '../publish/ticket.js';

/** How many events had which outcome since the start. Plain numbers: it is counted for every event. */
export interface Tally {
  /** What became of the events of one request. */
  add(entries: readonly Prepared[], settlements: Settlements): void;
  /** Outcomes and, of those that were refused, the reason (a closed list) by `outcome reason`. */
  counts(): ReadonlyMap<string, number>;
}

export function createTally(): Tally {
  const counts = new Map<string, number>();
  let atBroker = 0;
  return {
    add(entries, settlements) {
      for (let index = 0; index < entries.length; index++) {
        const fate = fateOf(entries[index] as Prepared, index, settlements);
        if (fate === AT_BROKER) atBroker++;
        else counts.set(fate, (counts.get(fate) ?? 0) + 1);
      }
    },
    counts: () => new Map([[AT_BROKER, atBroker], ...counts]),
  };
}
