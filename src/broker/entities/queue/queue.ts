import { changeKey, messageKey } from '../../store/keys.js';
import type { Write } from '../../store/types.js';
import { createLocks } from './locks.js';
import {
  type Load,
  type QueueEntry,
  type QueueLimits,
  type QueueState,
  type Settlement,
  type Taken,
  WINDOW,
} from './types.js';
import { createWindow } from './window.js';

export type Queue = ReturnType<typeof createQueue>;

/**
 * A peek-lock store of messages in order of sequence number: a queue, a subscription, or a dead-letter queue. Pure: it
 * is told the time, answers with the writes that make its decisions durable, and never reads by itself. Callers commit
 * the writes in the same step, so that memory and disk agree.
 *
 * In memory are only the messages that are locked, that came back, and a window of the next ones.
 */
export function createQueue(id: number, limits: () => QueueLimits, initial: QueueState, bounds = WINDOW) {
  let { nextSequence, firstSequence, count, bytes } = initial;
  let removals = 0;
  let changed = false;
  const window = createWindow(initial, bounds);
  const locks = createLocks();
  /** Messages on their way out: expired, or to the dead-letter queue. */
  const leaving = new Set<QueueEntry>();

  function recountFirst(): void {
    removals = 0;
    let first = window.first();
    for (const entry of locks.entries()) first = Math.min(first, entry.sequence);
    for (const entry of leaving) first = Math.min(first, entry.sequence);
    firstSequence = first;
  }

  function remove(entry: QueueEntry): Write[] {
    count--;
    bytes -= entry.sizeBytes;
    changed = true;
    const writes: Write[] = [{ key: messageKey(id, entry.sequence) }];
    if (entry.deliveryCount > 0) writes.push({ key: changeKey(id, entry.sequence) });
    if (++removals >= bounds.removalsPerRecount || locks.isEmpty()) recountFirst();
    return writes;
  }

  /** A delivery that was not completed: back in its place, or past its last try. */
  function comeBack(entry: QueueEntry): Settlement {
    entry.deliveryCount++;
    if (entry.deliveryCount >= limits().maxDeliveryCount) return leave(entry);
    window.putBack(entry);
    const value = Buffer.allocUnsafe(4);
    value.writeUInt32BE(entry.deliveryCount, 0);
    return { kind: 'done', entry, writes: [{ key: changeKey(id, entry.sequence), value }] };
  }

  function leave(entry: QueueEntry): Settlement {
    leaving.add(entry);
    return { kind: 'dead-letter', entry };
  }

  const lock = (token: string, entry: QueueEntry, nowMs: number): number =>
    locks.add(token, entry, { nowMs, durationMs: limits().lockDurationMs });

  return {
    id,

    /** The number of the next message to be put. */
    peekSequence: () => nextSequence,

    /** Puts a record as message `peekSequence()`. It can be delivered once `publish` says that it is durable. */
    put(record: Buffer): Write {
      const sequence = nextSequence++;
      count++;
      bytes += record.length;
      changed = true;
      return { key: messageKey(id, sequence), value: record };
    },

    /** Called in order of sequence number when the put is durable. */
    publish(sequence: number, record: Buffer, expiresAtMs: number): void {
      window.publish({ sequence, sizeBytes: record.length, expiresAtMs, deliveryCount: 0, record });
    },

    wanted: window.wanted,
    loaded: (load: Load, entries: readonly QueueEntry[], complete: boolean) => window.loaded(load, entries, complete),
    available: window.available,

    /** Takes the next message under a lock, or as `expired` when its time to live is over. */
    take(nowMs: number, newToken: () => string): Taken | { readonly expired: QueueEntry } | undefined {
      const entry = window.next();
      if (entry === undefined) return undefined;
      if (entry.expiresAtMs <= nowMs) {
        leave(entry);
        return { expired: entry };
      }
      const lockToken = newToken();
      const lockedUntilMs = lock(lockToken, entry, nowMs);
      const record = entry.record;
      entry.record = undefined;
      return { entry, record, lockToken, lockedUntilMs };
    },

    /** Takes the next message for good (receive and delete); `discard` removes it. */
    takeAway(nowMs: number): { readonly entry: QueueEntry } | { readonly expired: QueueEntry } | undefined {
      const entry = window.next();
      if (entry === undefined) return undefined;
      leave(entry);
      return entry.expiresAtMs <= nowMs ? { expired: entry } : { entry };
    },

    /** The writes that remove a message which is on its way out. */
    discard(entry: QueueEntry): Write[] {
      leaving.delete(entry);
      return remove(entry);
    },

    /** Takes a lock back as if the message had never been delivered: its receiver went away before it was sent. */
    giveBack(token: string): boolean {
      const entry = locks.remove(token, Number.NEGATIVE_INFINITY);
      if (entry === undefined) return false;
      window.putBack(entry);
      return true;
    },

    complete(token: string, nowMs: number): Settlement {
      const entry = locks.remove(token, nowMs);
      return entry === undefined ? { kind: 'lock-lost' } : { kind: 'done', entry, writes: remove(entry) };
    },

    /** The message under a lock. */
    locked: (token: string): QueueEntry | undefined => locks.get(token),

    abandon(token: string, nowMs: number): Settlement {
      const entry = locks.remove(token, nowMs);
      return entry === undefined ? { kind: 'lock-lost' } : comeBack(entry);
    },

    /** The receiver gives the message up: it goes to the dead-letter queue. */
    deadLetter(token: string, nowMs: number): Settlement {
      const entry = locks.remove(token, nowMs);
      return entry === undefined ? { kind: 'lock-lost' } : leave(entry);
    },

    /** Extends a lock and answers its new end, or undefined when it was lost. */
    renew(token: string, nowMs: number): number | undefined {
      const entry = locks.remove(token, nowMs);
      return entry && lock(token, entry, nowMs);
    },

    /** When the oldest lock ends; undefined when nothing is locked. */
    nextLockEndMs: locks.nextEndMs,

    /** Gives back every message whose lock has ended. */
    expireLocks: (nowMs: number): Settlement[] => locks.expire(nowMs).map(comeBack),

    state: (): QueueState => ({ nextSequence, firstSequence, count, bytes }),

    /** The state when it differs from what was last asked for here: what a batch has to write. */
    changedState(): QueueState | undefined {
      if (!changed) return undefined;
      changed = false;
      return { nextSequence, firstSequence, count, bytes };
    },
  };
}
