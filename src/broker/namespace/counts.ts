import type { QueueSettings } from '../topology/types.js';
import type { QueueRuntime } from './queue-runtime.js';

/** How many messages of a queue or subscription are in which state. Locked ones are active. */
export interface MessageCounts {
  readonly active: number;
  readonly deferred: number;
  readonly scheduled: number;
  readonly deadLetter: number;
  /** On their way to where they are forwarded to. */
  readonly transfer: number;
  readonly transferDeadLetter: number;
}

interface ScheduledFacts {
  readonly count: number;
  readonly bytes: number;
}

const EMPTY = { count: 0, bytes: 0, deferredCount: 0 };

export function countMessages(
  settings: Pick<QueueSettings, 'forwardTo'>,
  queue: QueueRuntime,
  scheduled: ScheduledFacts = EMPTY,
): MessageCounts {
  const own = queue.facts();
  const dead = queue.deadLetters?.facts() ?? EMPTY;
  const undelivered = queue.transferDeadLetters?.facts() ?? EMPTY;
  const forwards = settings.forwardTo !== undefined;
  return {
    active: forwards ? 0 : own.count,
    deferred: own.deferredCount,
    scheduled: scheduled.count,
    deadLetter: dead.count + dead.deferredCount,
    transfer: forwards ? own.count : 0,
    transferDeadLetter: undelivered.count + undelivered.deferredCount,
  };
}

/** Of all messages, whatever their state, with those that could not be delivered. */
export const bytesOf = (queue: QueueRuntime, scheduled: ScheduledFacts = EMPTY): number =>
  queue.sizeBytes() +
  (queue.deadLetters?.sizeBytes() ?? 0) +
  (queue.transferDeadLetters?.sizeBytes() ?? 0) +
  scheduled.bytes;
