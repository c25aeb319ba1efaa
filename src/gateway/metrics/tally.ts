import type { Prepared } from '../pipeline/prepare.js';
import type { Settlements } from '../publish/ticket.js';

/** How many events had which outcome since the start. Plain numbers: it is counted for every event. */
export interface Tally {
  /** What became of the events of one request. */
  add(entries: readonly Prepared[], settlements: Settlements): void;
  /** Outcomes and, of those that were refused, the reason (a closed list) by `outcome reason`. */
  counts(): ReadonlyMap<string, number>;
}

function whatOf(entry: Exclude<Prepared, string>): string {
  switch (entry.kind) {
    case 'rejected':
      return `rejected ${entry.rejection.reason}`;
    case 'dropped':
      return `dropped ${entry.reason}`;
    case 'repeated':
      return 'duplicate same_request';
  }
}

export function createTally(): Tally {
  const counts = new Map<string, number>();
  let atBroker = 0;
  const count = (what: string) => void counts.set(what, (counts.get(what) ?? 0) + 1);

  const addOne = (entry: Prepared, index: number, { failures, spooled }: Settlements) => {
    if (typeof entry !== 'string') {
      count(whatOf(entry));
      return;
    }
    const failure = failures.get(index);
    if (failure !== undefined) count(`rejected ${failure}`);
    else if (spooled.has(index)) count('accepted spool');
    else atBroker++;
  };

  return {
    add(entries, settlements) {
      for (let index = 0; index < entries.length; index++) addOne(entries[index] as Prepared, index, settlements);
    },
    counts: () => new Map([['accepted broker', atBroker], ...counts]),
  };
}
