import type { Queue, QueueEntry, Unfit } from '../entities/index.js';
import type { Store, Write } from '../store/types.js';
import { withReason } from './dead-letter.js';
import { commitStaged } from './inlet.js';
import type { DeadLetterReason } from './settling.js';
import type { Staged } from './staged.js';

export interface DeadLetteringDeps {
  readonly store: Store;
  readonly queue: Pick<Queue, 'discard' | 'committed'>;
  readonly readRecord: (entry: QueueEntry) => Promise<Buffer | undefined>;
  /** Absent where messages that cannot be delivered are removed. */
  readonly deadLetters: { stageRecord(record: Buffer, expiresAtMs: number, deliveryCount: number): Staged } | undefined;
  /** Whether what has expired goes there as well. */
  readonly keepsExpired: () => boolean;
}

export type DeadLettering = ReturnType<typeof createDeadLettering>;

const NEVER = Number.POSITIVE_INFINITY;

const EXPIRED: DeadLetterReason = {
  reason: 'TTLExpiredException',
  description: 'The message expired and was dead lettered.',
};

/** It was delivered as often as may be. */
export const exceeded = ({ deliveryCount }: QueueEntry): DeadLetterReason => ({
  reason: 'MaxDeliveryCountExceeded',
  description: `Message could not be consumed after ${deliveryCount} delivery attempts.`,
});

/** Where the messages of a queue go that are on their way out of it: to the dead-letter queue, or nowhere. */
export function createDeadLettering({ store, queue, readRecord, deadLetters, keepsExpired }: DeadLetteringDeps) {
  async function discard(entry: QueueEntry): Promise<void> {
    await store.commit(queue.discard(entry));
    queue.committed(entry);
  }

  /** Puts a message that is leaving into the dead-letter queue, with the reason in its application properties. */
  function bury(entry: QueueEntry, record: Buffer, why: DeadLetterReason): { writes: Write[]; staged: Staged[] } {
    const writes = queue.discard(entry);
    if (deadLetters === undefined) return { writes, staged: [] };
    return { writes, staged: [deadLetters.stageRecord(withReason(record, why), NEVER, entry.deliveryCount)] };
  }

  async function move(entry: QueueEntry, why: DeadLetterReason): Promise<void> {
    const record = await readRecord(entry);
    if (record === undefined) return discard(entry);
    const { writes, staged } = bury(entry, record, why);
    await commitStaged(store, staged, writes);
    queue.committed(entry);
  }

  const expire = (entry: QueueEntry): Promise<void> =>
    deadLetters !== undefined && keepsExpired() ? move(entry, EXPIRED) : discard(entry);

  return {
    /** The same as `move`, for the caller to commit. */
    bury,
    move,
    /** Removes a message whose time to live is over, or dead-letters it. */
    expire,
    /** Removes or dead-letters a message that cannot be delivered. */
    sendOff: (message: Unfit): Promise<void> =>
      'expired' in message ? expire(message.expired) : move(message.exceeded, exceeded(message.exceeded)),
  };
}
