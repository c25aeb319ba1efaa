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

/** Failed events by their index in the request; all others reached their broker. */
export type Failures = ReadonlyMap<number, Failure>;

/** Counts the events of one request as they are settled: one completion for a whole request, however large. */
export interface Ticket {
  /** After this instant an event that still waits is not sent any more. */
  readonly deadlineMs: number;
  /** Settles events by their index in the request, each exactly once: at their broker, or failed. */
  settle(indexes: readonly number[], failure?: Failure): void;
}

/** `onSettled` is called once, when `count` events are settled. */
export function createTicket(count: number, deadlineMs: number, onSettled: (failures: Failures) => void): Ticket {
  const failures = new Map<number, Failure>();
  let open = count;
  return {
    deadlineMs,
    settle(indexes, failure) {
      if (failure !== undefined) for (const index of indexes) failures.set(index, failure);
      open -= indexes.length;
      if (open === 0) onSettled(failures);
    },
  };
}
