/** Where a message can be found at the end. */
export type Place = 'queue' | 'dead letters' | 'deferred';
/** What a receiver may do with a message for good. */
export type Settling = 'completed' | 'dead-lettered' | 'deferred';

/**
 * What the clients of one queue were promised, and what they saw: says where the two disagree. A promise is what was
 * answered; what was asked and not answered before the kill may or may not have happened.
 */
export function createLedger(name: string) {
  const accepted = new Set<string>();
  /** The highest sequence number that had been seen when a message was first sent. */
  const floors = new Map<string, number>();
  const sequences = new Map<string, number>();
  const delivered = new Set<string>();
  const settled = new Map<string, Settling>();
  const asked = new Map<string, Set<Settling>>();
  const abandoned = new Map<string, number>();
  /** Deferred ones, or asked to be. */
  const aside = new Set<string>();
  /** Not among the deferred ones, as it turned out. */
  const elsewhere = new Set<string>();
  const violations: string[] = [];
  let highest = 0;

  const violation = (text: string) => void violations.push(`${name}: ${text}`);

  function noteSequence(id: string, sequence: number): void {
    const known = sequences.get(id);
    if (known !== undefined && known !== sequence) violation(`${id} has the sequence numbers ${known} and ${sequence}`);
    sequences.set(id, sequence);
    const floor = floors.get(id) ?? 0;
    if (sequence <= floor) violation(`${id} was sent after number ${floor} was given and got ${sequence}`);
    highest = Math.max(highest, sequence);
  }

  /** What became of a message that was accepted, given where it was found. */
  function judge(id: string, places: readonly Place[]): void {
    const end = settled.get(id);
    const maybe = asked.get(id) ?? new Set();
    if (places.length > 1) violation(`${id} is in ${places.join(' and ')}`);
    if (end === 'completed') {
      if (places.length > 0) violation(`${id} was completed and is in ${places.join(' and ')}`);
      return;
    }
    if (places.length === 0 && !maybe.has('completed')) violation(`${id} was accepted and is lost`);
    if (end === 'dead-lettered' && !places.includes('dead letters')) violation(`${id} is not in the dead letters`);
    const [place] = places;
    if (place === 'dead letters' && !maybe.has('dead-lettered')) violation(`${id} is in the dead letters by itself`);
    if (end === 'deferred' && !places.includes('deferred') && maybe.size === 1) violation(`${id} is not deferred`);
    if (place === 'deferred' && !maybe.has('deferred')) violation(`${id} is deferred by itself`);
  }

  return {
    /** Before a message is sent, for the first time or again. */
    sending(id: string): void {
      if (!floors.has(id)) floors.set(id, highest);
    },
    accepted: (id: string): void => void accepted.add(id),

    /** A message came; `from` the queue, or as a deferred one. */
    delivered(id: string, sequence: number, deliveryCount: number, from: Place = 'queue'): void {
      noteSequence(id, sequence);
      delivered.add(id);
      const end = settled.get(id);
      if (end !== undefined && !(end === 'deferred' && from === 'deferred'))
        violation(`${id} was ${end} and came again`);
      const times = abandoned.get(id) ?? 0;
      if (deliveryCount < times) violation(`${id} was abandoned ${times} times and says ${deliveryCount}`);
    },
    /** Whether its deferral was confirmed. */
    isDeferred: (id: string): boolean => settled.get(id) === 'deferred',
    /** A deferred message was asked for by its number and is not there; `confirmed` when it was asked for. */
    notFound(id: string, confirmed: boolean): void {
      const others = [...(asked.get(id) ?? [])].some((what) => what !== 'deferred');
      if (confirmed && !others) violation(`${id} was deferred and cannot be found`);
      // It never was deferred, or was settled without an answer.
      elsewhere.add(id);
    },
    /** For receive and delete: it must never come again, whatever happened on the way. */
    taken(id: string, sequence: number): void {
      noteSequence(id, sequence);
      if (delivered.has(id)) violation(`${id} was taken twice`);
      delivered.add(id);
    },
    asking(id: string, what: Settling): void {
      asked.set(id, (asked.get(id) ?? new Set()).add(what));
      if (what !== 'deferred') return;
      aside.add(id);
      elsewhere.delete(id);
    },
    settled(id: string, what: Settling): void {
      settled.set(id, what);
      if (what !== 'deferred') aside.delete(id);
    },
    abandoned: (id: string): void => void abandoned.set(id, (abandoned.get(id) ?? 0) + 1),

    /** Messages that were, or may have been, deferred, and not settled since. */
    deferred: (): string[] => [...aside].filter((id) => !elsewhere.has(id)),

    /** Holds everything that was accepted against the places where it is. */
    close(found: ReadonlyMap<string, readonly Place[]>): void {
      for (const id of accepted) judge(id, found.get(id) ?? []);
      for (const [id, places] of found) if (!accepted.has(id)) judge(id, places);
    },
    violations: (): readonly string[] => violations,
    figures: () => {
      const count = (what: Settling) => [...settled.values()].filter((one) => one === what).length;
      return {
        accepted: accepted.size,
        delivered: delivered.size,
        completed: count('completed'),
        deadLettered: count('dead-lettered'),
        deferred: count('deferred'),
        abandoned: abandoned.size,
      };
    },
  };
}

export type Ledger = ReturnType<typeof createLedger>;

/** What was sent to one partition: numbers that rise, in batches that are whole or not there. */
export function createLogLedger(partitionId: string) {
  const accepted = new Set<number>();
  return {
    partitionId,
    accepted: (numbers: readonly number[]): void => {
      for (const number of numbers) accepted.add(number);
    },
    size: () => accepted.size,
    /** Holds the whole partition, in the order in which it is read, against what was accepted. */
    violations(events: readonly { readonly sequence: number; readonly number: number }[]): string[] {
      const found: string[] = [];
      let last = Number.NEGATIVE_INFINITY;
      for (const [index, { sequence, number }] of events.entries()) {
        if (sequence !== index) found.push(`partition ${partitionId}: number ${sequence} where ${index} was expected`);
        if (number <= last) found.push(`partition ${partitionId}: event ${number} comes after ${last}`);
        last = number;
      }
      const there = new Set(events.map(({ number }) => number));
      for (const number of accepted) {
        if (!there.has(number)) found.push(`partition ${partitionId}: event ${number} was accepted and is lost`);
      }
      return found;
    },
  };
}

export type LogLedger = ReturnType<typeof createLogLedger>;
