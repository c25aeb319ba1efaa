import { changeKey, messageKey } from '../store/keys.js';
import type { Write } from '../store/types.js';
import { createFifo } from './fifo.js';

/** What is kept of a queue beside its messages; written with every batch that changes it. */
export interface QueueState {
  /** The number that the next message gets. Never goes back. */
  readonly nextSequence: number;
  /** No message below this number is there any more: where reading begins after a start. */
  readonly firstSequence: number;
  readonly count: number;
  readonly bytes: number;
}

export const EMPTY_QUEUE: QueueState = { nextSequence: 1, firstSequence: 1, count: 0, bytes: 0 };

/** A message as the queue knows it. Its record is there only while it is recent; otherwise it is read from the store. */
export interface QueueEntry {
  readonly sequence: number;
  readonly sizeBytes: number;
  readonly expiresAtMs: number;
  /** How often it was delivered and came back. */
  deliveryCount: number;
  record: Buffer | undefined;
}

export interface Taken {
  readonly entry: QueueEntry;
  /** The record where it was at hand. */
  readonly record: Buffer | undefined;
  readonly lockToken: string;
  readonly lockedUntilMs: number;
}

export interface QueueLimits {
  readonly lockDurationMs: number;
  readonly maxDeliveryCount: number;
}

/** `dead-letter`: nobody gets it any more; whoever asked moves it elsewhere in the commit that takes its `discard`. */
export type Settlement =
  | { readonly kind: 'done'; readonly entry: QueueEntry; readonly writes: readonly Write[] }
  | { readonly kind: 'dead-letter'; readonly entry: QueueEntry }
  | { readonly kind: 'lock-lost' };

export interface Load {
  readonly fromSequence: number;
  readonly toSequence: number;
  readonly limit: number;
}

/** How many messages, and bytes of them, wait in memory ahead of the receivers. The rest waits in the store. */
export interface Window {
  readonly messages: number;
  readonly bytes: number;
  /** How many removals may pass before the oldest message is looked for again. */
  readonly removalsPerRecount: number;
}

const WINDOW: Window = { messages: 4096, bytes: 8 * 1024 * 1024, removalsPerRecount: 1024 };

export type Queue = ReturnType<typeof createQueue>;

/**
 * A peek-lock store of messages in order of sequence number: a queue, a subscription, or a dead-letter queue. Pure: it
 * is told the time, answers with the writes that make its decisions durable, and never reads by itself. Callers commit
 * the writes in the same step, so that memory and disk agree.
 *
 * In memory are only the messages that are locked, that came back, and a window of the next ones.
 */
export function createQueue(id: number, limits: () => QueueLimits, initial: QueueState, window: Window = WINDOW) {
  let { nextSequence, firstSequence, count, bytes } = initial;
  /** Everything below is durable and may be delivered. */
  let published = nextSequence;
  /** Everything below is in memory or gone; what is from here up to `published` waits in the store. */
  let cursor = firstSequence;
  let readyBytes = 0;
  let removals = 0;
  let changed = false;
  const ready = createFifo<QueueEntry>();
  /** Messages that came back, by sequence number; they go before the ones that wait. */
  const returned: QueueEntry[] = [];
  /** By token, in order of expiry: every lock lasts equally long and a renewed one goes to the end. */
  const locks = new Map<string, { entry: QueueEntry; lockedUntilMs: number }>();
  /** Messages on their way out: expired, or to the dead-letter queue. */
  const leaving = new Set<QueueEntry>();

  function insertReturned(entry: QueueEntry): void {
    let low = 0;
    let high = returned.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((returned[middle] as QueueEntry).sequence < entry.sequence) low = middle + 1;
      else high = middle;
    }
    returned.splice(low, 0, entry);
  }

  function next(): QueueEntry | undefined {
    const [back, waiting] = [returned[0], ready.peek()];
    if (back !== undefined && (waiting === undefined || back.sequence < waiting.sequence)) return returned.shift();
    if (waiting === undefined) return undefined;
    ready.shift();
    readyBytes -= waiting.sizeBytes;
    return waiting;
  }

  function recountFirst(): void {
    removals = 0;
    let first = Math.min(returned[0]?.sequence ?? cursor, ready.peek()?.sequence ?? cursor);
    for (const { entry } of locks.values()) first = Math.min(first, entry.sequence);
    for (const entry of leaving) first = Math.min(first, entry.sequence);
    firstSequence = first;
  }

  function remove(entry: QueueEntry): Write[] {
    count--;
    bytes -= entry.sizeBytes;
    changed = true;
    const writes: Write[] = [{ key: messageKey(id, entry.sequence) }];
    if (entry.deliveryCount > 0) writes.push({ key: changeKey(id, entry.sequence) });
    if (++removals >= window.removalsPerRecount || locks.size === 0) recountFirst();
    return writes;
  }

  /** A delivery that was not completed: back in its place, or past its last try. */
  function comeBack(entry: QueueEntry): Settlement {
    entry.deliveryCount++;
    if (entry.deliveryCount >= limits().maxDeliveryCount) return leave(entry);
    insertReturned(entry);
    const value = Buffer.allocUnsafe(4);
    value.writeUInt32BE(entry.deliveryCount, 0);
    return { kind: 'done', entry, writes: [{ key: changeKey(id, entry.sequence), value }] };
  }

  function leave(entry: QueueEntry): Settlement {
    leaving.add(entry);
    return { kind: 'dead-letter', entry };
  }

  const unlock = (token: string, nowMs: number): QueueEntry | undefined => {
    const lock = locks.get(token);
    if (lock === undefined || lock.lockedUntilMs <= nowMs) return undefined;
    locks.delete(token);
    return lock.entry;
  };

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
      const followsOn = cursor === sequence && published === sequence;
      published = sequence + 1;
      if (!followsOn || ready.length >= window.messages || readyBytes + record.length > window.bytes) return;
      cursor = sequence + 1;
      readyBytes += record.length;
      ready.push({ sequence, sizeBytes: record.length, expiresAtMs, deliveryCount: 0, record });
    },

    /** What to read from the store so that receivers can go on; undefined when nothing is missing. */
    wanted(): Load | undefined {
      const limit = Math.ceil(window.messages / 4);
      if (cursor >= published || ready.length > limit / 2) return undefined;
      return { fromSequence: cursor, toSequence: published, limit };
    },

    /** Answers a `wanted`: the entries found, in order; `complete` when the range has no more. */
    loaded(load: Load, entries: readonly QueueEntry[], complete: boolean): void {
      for (const entry of entries) {
        ready.push(entry);
        readyBytes += entry.sizeBytes;
        cursor = entry.sequence + 1;
      }
      if (complete) cursor = load.toSequence;
    },

    /** How many messages could be taken right now. */
    available: () => ready.length + returned.length,

    /** Takes the next message under a lock, or as `expired` when its time to live is over. */
    take(nowMs: number, newToken: () => string): Taken | { readonly expired: QueueEntry } | undefined {
      const entry = next();
      if (entry === undefined) return undefined;
      if (entry.expiresAtMs <= nowMs) {
        leave(entry);
        return { expired: entry };
      }
      const lockToken = newToken();
      const lockedUntilMs = nowMs + limits().lockDurationMs;
      locks.set(lockToken, { entry, lockedUntilMs });
      const record = entry.record;
      entry.record = undefined;
      return { entry, record, lockToken, lockedUntilMs };
    },

    /** Takes the next message for good (receive and delete); `discard` removes it. */
    takeAway(nowMs: number): { readonly entry: QueueEntry } | { readonly expired: QueueEntry } | undefined {
      const entry = next();
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
      const lock = locks.get(token);
      if (lock === undefined) return false;
      locks.delete(token);
      insertReturned(lock.entry);
      return true;
    },

    complete(token: string, nowMs: number): Settlement {
      const entry = unlock(token, nowMs);
      return entry === undefined ? { kind: 'lock-lost' } : { kind: 'done', entry, writes: remove(entry) };
    },

    /** The message under a lock. */
    locked: (token: string): QueueEntry | undefined => locks.get(token)?.entry,

    abandon(token: string, nowMs: number): Settlement {
      const entry = unlock(token, nowMs);
      return entry === undefined ? { kind: 'lock-lost' } : comeBack(entry);
    },

    /** The receiver gives the message up: it goes to the dead-letter queue. */
    deadLetter(token: string, nowMs: number): Settlement {
      const entry = unlock(token, nowMs);
      return entry === undefined ? { kind: 'lock-lost' } : leave(entry);
    },

    /** Extends a lock and answers its new end, or undefined when it was lost. */
    renew(token: string, nowMs: number): number | undefined {
      const entry = unlock(token, nowMs);
      if (entry === undefined) return undefined;
      const lockedUntilMs = nowMs + limits().lockDurationMs;
      locks.set(token, { entry, lockedUntilMs });
      return lockedUntilMs;
    },

    /** When the oldest lock ends; undefined when nothing is locked. */
    nextLockEndMs(): number | undefined {
      for (const { lockedUntilMs } of locks.values()) return lockedUntilMs;
      return undefined;
    },

    /** Gives back every message whose lock has ended. */
    expireLocks(nowMs: number): Settlement[] {
      const settlements: Settlement[] = [];
      for (const [token, { entry, lockedUntilMs }] of locks) {
        if (lockedUntilMs > nowMs) break;
        locks.delete(token);
        settlements.push(comeBack(entry));
      }
      return settlements;
    },

    state: (): QueueState => ({ nextSequence, firstSequence, count, bytes }),

    /** The state when it differs from what was last asked for here: what a batch has to write. */
    changedState(): QueueState | undefined {
      if (!changed) return undefined;
      changed = false;
      return { nextSequence, firstSequence, count, bytes };
    },
  };
}
