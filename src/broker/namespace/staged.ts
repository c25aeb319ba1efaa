import type { Write } from '../store/types.js';

/** A message that is put, and what to call once it is durable. */
export interface Staged {
  readonly write: Write;
  /** From then on it may be delivered. */
  publish(): void;
  /** Hands out what its queue has; called after `publish`, and the same function for all messages of a queue. */
  readonly handOut?: () => void;
}

/** Lets be delivered what is durable: first all of it, so that each queue looks for receivers once. */
export function publishAll(staged: readonly Staged[]): void {
  const queues = new Set<() => void>();
  for (const one of staged) {
    one.publish();
    if (one.handOut !== undefined) queues.add(one.handOut);
  }
  for (const handOut of queues) handOut();
}
