import type { Clock } from '../../shared/clock.js';
import type { Queue, QueueEntry, Settlement } from '../entities/index.js';
import { type BareChanges, rewriteBare, storedBare, withBare } from '../message/index.js';
import type { Store } from '../store/types.js';
import { type DeadLettering, exceeded } from './dead-lettering.js';
import type { DeadLetterReason, SettleOutcome } from './settling.js';

export interface DirectSettlementDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly queue: Queue;
  readonly deadLettering: Pick<DeadLettering, 'move'>;
  readonly readRecord: (entry: QueueEntry) => Promise<Buffer | undefined>;
  /** Hands out what has come back. */
  readonly pump: () => void;
}

/** The settlements of a queue that are made durable one by one, as they come. */
export function createDirectSettlement({ store, clock, queue, deadLettering, readRecord, pump }: DirectSettlementDeps) {
  /** @param why a message is dead-lettered, where it is not for too many deliveries */
  async function settle(settlement: Settlement, why?: DeadLetterReason): Promise<SettleOutcome> {
    if (settlement.kind === 'lock-lost') return 'lock-lost';
    const { entry } = settlement;
    if (settlement.kind === 'dead-letter') await deadLettering.move(entry, why ?? exceeded(entry));
    else {
      await store.commit(settlement.writes);
      queue.committed(entry);
    }
    return 'done';
  }

  /** A locked message as its receiver changed it; undefined when the lock was lost. */
  async function rewritten(token: string, changes: BareChanges | undefined): Promise<Buffer | undefined> {
    const entry = queue.locked(token);
    const record = entry && (await readRecord(entry));
    if (record === undefined || changes === undefined || changes.applicationProperties.size === 0) return record;
    return withBare(record, rewriteBare(storedBare(record), changes));
  }

  return {
    complete: (token: string): Promise<SettleOutcome> => settle(queue.complete(token, clock.now())),

    async abandon(token: string, changes?: BareChanges): Promise<SettleOutcome> {
      // Read while it is still locked: afterwards another receiver may take it, and it must not be written back then.
      const record = changes && changes.applicationProperties.size > 0 ? await rewritten(token, changes) : undefined;
      const outcome = await settle(queue.abandon(token, clock.now(), record));
      pump();
      return outcome;
    },

    async defer(token: string, changes?: BareChanges): Promise<SettleOutcome> {
      const record = await rewritten(token, changes);
      if (record === undefined) return 'lock-lost';
      return settle(queue.defer(token, clock.now(), record));
    },

    deadLetter: (token: string, why: DeadLetterReason): Promise<SettleOutcome> =>
      settle(queue.deadLetter(token, clock.now()), why),

    /** As if it had been abandoned; nobody is told that it is there again. */
    comeBack: (token: string): Promise<SettleOutcome> => settle(queue.abandon(token, clock.now())),

    /** What became of messages whose locks have ended. */
    expireLocks: (): Promise<SettleOutcome>[] => queue.expireLocks(clock.now()).map((settlement) => settle(settlement)),
  };
}
