/** Why an event that was sound did not reach its broker. */
export type Failure =
  /** The broker cannot be reached. */
  | 'unavailable'
  /** The broker did not answer in time: it may have the event or not. */
  | 'timeout'
  /** Too many bytes are waiting already. */
  | 'overloaded'
  /** The broker takes no message of this size. */
  | 'too_large';

/** Failures that pass: the same event, sent again with the same id, may be accepted. */
export function isRetryable(failure: Failure): boolean {
  return failure !== 'too_large';
}

/** What became of the events of a request, by their index in it. What is in neither reached its broker. */
export interface Settlements {
  readonly failures: ReadonlyMap<number, Failure>;
  /** Those that are on the gateway's own disk until their broker has them. */
  readonly spooled: ReadonlySet<number>;
  /** Those that are durable, and so was the same event already, by another request that was under way. */
  readonly known: ReadonlySet<number>;
  /** Of those that went to a hub: where in it. */
  readonly partitions: readonly (number | undefined)[];
  /** When to send again what a disk had no room for. */
  readonly retryAfterSeconds?: number | undefined;
}

const NONE: ReadonlySet<number> = new Set();
/** Shared by all requests for which there is nothing more to say: hardly any has failures. */
export const NOTHING_SENT: Settlements = { failures: new Map(), spooled: NONE, known: NONE, partitions: [] };

/** What became of one event. */
export type Outcome = 'broker' | 'spool' | Failure;

/** Counts the events of one request as they are settled: one completion for a whole request, however large. */
export interface Ticket {
  /** After this instant an event that still waits is not sent any more. */
  readonly deadlineMs: number;
  /** Tells which partition an event goes to, before it is settled. */
  place(index: number, partition: number): void;
  /** Settles events by their index in the request, each exactly once. */
  settle(indexes: readonly number[], outcome: Outcome): void;
}

/** `onSettled` is called once, when `count` events are settled. */
export function createTicket(count: number, deadlineMs: number, onSettled: (settlements: Settlements) => void): Ticket {
  let failures: Map<number, Failure> | undefined;
  let spooled: Set<number> | undefined;
  let partitions: (number | undefined)[] | undefined;
  let open = count;
  return {
    deadlineMs,
    place(index, partition) {
      partitions ??= [];
      partitions[index] = partition;
    },
    settle(indexes, outcome) {
      if (outcome === 'spool') {
        spooled ??= new Set();
        for (const index of indexes) spooled.add(index);
      } else if (outcome !== 'broker') {
        failures ??= new Map();
        for (const index of indexes) failures.set(index, outcome);
      }
      open -= indexes.length;
      if (open > 0) return;
      onSettled({
        failures: failures ?? NOTHING_SENT.failures,
        spooled: spooled ?? NONE,
        known: NONE,
        partitions: partitions ?? NOTHING_SENT.partitions,
      });
    },
  };
}
