import type { Clock } from '../../shared/clock.js';
import type { Queue } from '../entities/index.js';
import type { Store } from '../store/types.js';
import { createAlarm } from './alarm.js';

export interface DeliveryNotesDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly queue: Pick<Queue, 'hasChanged' | 'giveBack' | 'letGo' | 'sessions'>;
  readonly onError: (error: unknown) => void;
}

/**
 * How soon a delivery is on disk, so that it counts after a crash: with the next batch, or with one of its own where for so
 * long there is none.
 */
const NOTED_WITHIN_MS = 100;

/** Sees to it that the store learns of deliveries, and of those that were taken back. */
export function createDeliveryNotes({ store, clock, queue, onError }: DeliveryNotesDeps) {
  let stopped = false;
  const alarm = createAlarm(clock, () => {
    // A batch without anything else: it takes along what has changed.
    if (queue.hasChanged()) void store.commit([]).catch(onError);
  });

  function noteSoon(): void {
    if (queue.hasChanged()) alarm.set(clock.now() + NOTED_WITHIN_MS);
  }

  return {
    noteSoon,

    /**
     * Takes a message back that was not delivered; false when its lock was lost. Resolves when everybody who reads its
     * delivery count is told the right one.
     */
    async giveBack(token: string): Promise<boolean> {
      const entry = queue.giveBack(token);
      if (entry === undefined) return false;
      noteSoon();
      const isReadAgain = queue.sessions !== undefined || entry.state === 'deferred';
      if (isReadAgain && !stopped) await store.commit([]);
      if (entry.state === 'deferred') queue.letGo(entry.sequence);
      return true;
    },

    stop(): void {
      stopped = true;
      alarm.stop();
    },
  };
}
