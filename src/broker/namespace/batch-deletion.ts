import type { Clock } from '../../shared/clock.js';
import type { Queue, QueueEntry } from '../entities/index.js';
import { storedFields } from '../message/index.js';
import type { Store } from '../store/types.js';

export interface BatchDeletionDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly queue: Pick<Queue, 'takeAway' | 'stay' | 'discard'>;
  /** Brings the next messages into memory; false when there are none. */
  readonly load: () => Promise<boolean>;
  readonly readRecord: (entry: QueueEntry) => Promise<Buffer | undefined>;
}

/**
 * Removes active messages that were enqueued up to a moment, the oldest first and at the most `count`; answers how many.
 * Locked ones stay, as do deferred and scheduled ones.
 */
export type DeleteActive = (count: number, enqueuedUntilMs: number) => Promise<number>;

const AT_ONCE = 256;

export function createBatchDeletion(deps: BatchDeletionDeps): DeleteActive {
  const { store, clock, queue, load, readRecord } = deps;

  /** The next message, loaded where it has to be. */
  async function next(): Promise<QueueEntry | undefined> {
    for (;;) {
      const taken = queue.takeAway(clock.now());
      if (taken !== undefined) return 'entry' in taken ? taken.entry : taken.expired;
      if (!(await load())) return undefined;
    }
  }

  /** Removes some; `more` says whether others may follow. */
  async function removeSome(count: number, enqueuedUntilMs: number): Promise<{ removed: number; more: boolean }> {
    const chosen: QueueEntry[] = [];
    let more = true;
    while (chosen.length < count && more) {
      const entry = await next();
      const record = entry && (await readRecord(entry));
      more = entry !== undefined;
      if (entry === undefined) break;
      // Messages lie in the order in which they were enqueued: behind a newer one there is none to be removed.
      more = record === undefined || storedFields(record).enqueuedAtMs <= enqueuedUntilMs;
      if (more) chosen.push(entry);
      else queue.stay(entry);
    }
    if (chosen.length > 0) await store.commit(chosen.flatMap((entry) => queue.discard(entry)));
    return { removed: chosen.length, more };
  }

  return async (count, enqueuedUntilMs) => {
    let total = 0;
    for (let more = true; more && total < count; ) {
      const some = await removeSome(Math.min(count - total, AT_ONCE), enqueuedUntilMs);
      total += some.removed;
      more = some.more;
    }
    return total;
  };
}
