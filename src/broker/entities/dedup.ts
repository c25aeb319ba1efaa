import { historyKey, historyTimeKey } from '../store/keys.js';
import type { Write } from '../store/types.js';
import { createIdFilter } from './id-filter.js';

export type Seen = 'new' | 'duplicate' | 'unknown';

/** Ids that are held in memory; older ones are looked up in the store. About 100 bytes each. */
const MEMORY_IDS = 200_000;

export type DuplicateHistory = ReturnType<typeof createDuplicateHistory>;

/**
 * The message ids that an entity has seen within its window (Service Bus: the id alone decides, nothing else is
 * compared, and a duplicate does not prolong its window). The newest ids are in memory and all of them in the store; an id that is
 * neither known nor surely new is `unknown`, and the caller looks it up with `key` and asks `judge`. Of those that memory has
 * let go a filter remains, so that few that are new have to be looked up.
 * @param lastStoredMs when an earlier run has seen the last id that is in the store
 */
export function createDuplicateHistory(id: number, windowMs: () => number, lastStoredMs: number | undefined) {
  /** Insertion order is order of time. */
  const seen = new Map<string, number>();
  const letGo = createIdFilter(windowMs);
  /** Ids of the batch that is gathering, whose row by time is still to be written. */
  let gathering: string[] = [];
  let gatheringMs = 0;

  function forgetOld(nowMs: number): void {
    for (const [messageId, seenAtMs] of seen) {
      if (seenAtMs > nowMs - windowMs()) break;
      seen.delete(messageId);
    }
    for (const [messageId, seenAtMs] of seen) {
      if (seen.size <= MEMORY_IDS) break;
      seen.delete(messageId);
      letGo.add(messageId, seenAtMs);
    }
  }

  /** Whether what an earlier run has seen may be within its window still. */
  const earlierCounts = (nowMs: number): boolean => lastStoredMs !== undefined && lastStoredMs > nowMs - windowMs();

  return {
    check(messageId: string, nowMs: number): Seen {
      const seenAtMs = seen.get(messageId);
      if (seenAtMs === undefined) return letGo.mayHave(messageId) || earlierCounts(nowMs) ? 'unknown' : 'new';
      return seenAtMs > nowMs - windowMs() ? 'duplicate' : 'new';
    },

    key: (messageId: string): Buffer => historyKey(id, messageId),

    /** What the store held under `key`. */
    judge(stored: Buffer | undefined, nowMs: number): Exclude<Seen, 'unknown'> {
      return stored !== undefined && stored.readDoubleBE(0) > nowMs - windowMs() ? 'duplicate' : 'new';
    },

    /** Notes new ids, and answers the writes that make them last. */
    record(messageIds: readonly string[], nowMs: number): Write[] {
      const value = Buffer.allocUnsafe(8);
      value.writeDoubleBE(nowMs, 0);
      const writes: Write[] = [];
      for (const messageId of messageIds) {
        seen.delete(messageId);
        seen.set(messageId, nowMs);
        gathering.push(messageId);
        writes.push({ key: historyKey(id, messageId), value });
      }
      gatheringMs = Math.max(gatheringMs, nowMs);
      forgetOld(nowMs);
      return writes;
    },

    /** Adds to a batch the row by which the ids that it records are forgotten: one for all of them. */
    contribute(into: Write[]): void {
      const [first] = gathering;
      if (first === undefined) return;
      const value = Buffer.from(JSON.stringify(gathering), 'utf8');
      into.push({ key: historyTimeKey(id, gatheringMs, first), value });
      gathering = [];
    },

    /** What is to be deleted for a row that `contribute` wrote, given what is stored now under the key of each of its ids. */
    forget(
      row: { key: Buffer; timeMs: number },
      ids: readonly string[],
      stored: readonly (Buffer | undefined)[],
    ): Write[] {
      const writes: Write[] = [{ key: row.key }];
      for (const [index, messageId] of ids.entries()) {
        // An id that was seen again after its window has a newer row; then only this row goes.
        const seenAtMs = stored[index]?.readDoubleBE(0);
        if (seenAtMs !== undefined && seenAtMs <= row.timeMs) writes.push({ key: historyKey(id, messageId) });
      }
      return writes;
    },

    /** Ids seen up to this moment may be forgotten. */
    forgettableMs: (nowMs: number): number => Math.max(0, nowMs - windowMs()),
  };
}
