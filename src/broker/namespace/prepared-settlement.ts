import type { Clock } from '../../shared/clock.js';
import type { Queue, QueueEntry, Settlement } from '../entities/index.js';
import { rewriteBare, storedBare, withBare } from '../message/index.js';
import type { Write } from '../store/types.js';
import { exceeded } from './dead-lettering.js';
import type { DeadLetterReason, PrepareSettlement, SettleAction } from './settling.js';
import type { Staged } from './staged.js';

interface Parts {
  readonly clock: Clock;
  readonly queue: Queue;
  readRecord(entry: QueueEntry): Promise<Buffer | undefined>;
  /** Puts a message that is leaving into the dead-letter queue, where there is one. */
  bury(
    entry: QueueEntry,
    record: Buffer,
    why: DeadLetterReason,
  ): { writes: readonly Write[]; staged: readonly Staged[] };
  pump(): void;
}

/** The settlements of a queue that wait for their transaction. */
export function createPreparation({ clock, queue, readRecord, bury, pump }: Parts): PrepareSettlement {
  function settle(token: string, action: SettleAction, changed: Buffer | undefined): Settlement {
    const nowMs = clock.now();
    switch (action.kind) {
      case 'complete':
        return queue.complete(token, nowMs);
      case 'abandon':
        return queue.abandon(token, nowMs, changed);
      case 'defer':
        return queue.defer(token, nowMs, changed as Buffer);
      case 'dead-letter':
        return queue.deadLetter(token, nowMs);
      case 'release': {
        const entry = queue.giveBack(token);
        return entry === undefined ? { kind: 'lock-lost' } : { kind: 'done', entry, writes: [] };
      }
    }
  }

  return async (token, action) => {
    const entry = queue.locked(token);
    const record = entry && (await readRecord(entry));
    if (record === undefined) return undefined;
    const changes = 'changes' in action ? action.changes : undefined;
    const rewrites = changes !== undefined && changes.applicationProperties.size > 0;
    const current = rewrites ? withBare(record, rewriteBare(storedBare(record), changes)) : record;
    const changed = rewrites || action.kind === 'defer' ? current : undefined;
    return {
      holds: () => queue.holds(token, clock.now()),
      apply() {
        const settlement = settle(token, action, changed);
        // `holds` was asked in the same step.
        if (settlement.kind === 'lock-lost') return { writes: [], staged: [], done: pump };
        const left = settlement.entry;
        const finished = () => {
          queue.committed(left);
          pump();
        };
        if (settlement.kind === 'done') return { writes: settlement.writes, staged: [], done: finished };
        return { ...bury(left, current, action.kind === 'dead-letter' ? action.why : exceeded(left)), done: finished };
      },
    };
  };
}
