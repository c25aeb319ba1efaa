import { deferredKey, messageKey } from '../../store/keys.js';
import type { Write } from '../../store/types.js';
import { type Sessions, sessionRowKey, sessionRowWrite } from '../sessions/index.js';
import { createHeld } from './deferred.js';
import { countRow, createDeliveries } from './deliveries.js';
import { blockOf, createExpiry, EXPIRY_BLOCK } from './expiry.js';
import { createLocks } from './locks.js';
import {
  type QueueEntry,
  type QueueLimits,
  type QueueState,
  type Settlement,
  type Taken,
  type Unfit,
  WINDOW,
  type WindowBounds,
} from './types.js';
import { createWindow } from './window.js';

export type Queue = ReturnType<typeof createQueue>;

export interface QueueOptions {
  readonly bounds?: WindowBounds;
  /** Where messages are taken by session: who holds one takes from its lane, under the lock on the session. */
  readonly sessions?: Sessions;
}

/** Where the next message is taken from. */
interface Source {
  next(): QueueEntry | undefined;
}

interface PutOptions {
  readonly deliveryCount?: number;
  readonly sessionId?: string | undefined;
}

/**
 * A peek-lock store of messages in order of sequence number: a queue, a subscription, or a dead-letter queue. Pure: it
 * is told the time, answers with the writes that make its decisions durable, and never reads by itself. Callers commit
 * the writes in the same step, so that memory and disk agree, and call `committed` when they are durable.
 *
 * In memory are only the messages that are locked, that came back, and a window of the next ones. A deferred message is
 * in memory only while somebody has it in hand.
 */
export function createQueue(
  id: number,
  limits: () => QueueLimits,
  initial: QueueState,
  { bounds = WINDOW, sessions }: QueueOptions = {},
) {
  let { nextSequence, firstSequence, count, bytes, deferredCount, removedCount, deliveredBelow } = initial;
  let removals = 0;
  let changed = false;
  const window = sessions ?? createWindow(initial, bounds);
  const locks = createLocks();
  const held = createHeld();
  const expiry = createExpiry(id);
  const deliveries = createDeliveries(
    id,
    ({ sessionId = '' }) => sessions?.deliveredBelow(sessionId) ?? deliveredBelow,
  );
  /** Messages on their way out: expired, or to the dead-letter queue. */
  const leaving = new Set<QueueEntry>();
  /** Writes that go along with the next batch. */
  let extras: Write[] = [];

  function recountFirst(): void {
    removals = 0;
    let first = window.first();
    const regard = (entry: QueueEntry) => {
      if (entry.state === 'active') first = Math.min(first, entry.sequence);
    };
    for (const entry of locks.entries()) regard(entry);
    for (const entry of leaving) regard(entry);
    firstSequence = count === 0 ? nextSequence : first;
  }

  const recordKey = ({ state, sequence }: QueueEntry): Buffer =>
    state === 'active' ? messageKey(id, sequence) : deferredKey(id, sequence);

  function remove(entry: QueueEntry): Write[] {
    bytes -= entry.sizeBytes;
    removedCount++;
    changed = true;
    const writes: Write[] = [{ key: recordKey(entry) }, ...deliveries.removed(entry)];
    if (sessions) writes.push({ key: sessionRowKey(id, entry) });
    if (entry.state === 'deferred') deferredCount--;
    else removeActive();
    return writes;
  }

  function removeActive(): void {
    count--;
    if (++removals >= bounds.removalsPerRecount || locks.isEmpty()) recountFirst();
  }

  /** The message is stored anew, with what its receiver changed. */
  function rewrite(entry: QueueEntry, record: Buffer): Write {
    bytes += record.length - entry.sizeBytes;
    entry.sizeBytes = record.length;
    // Until it is durable the store has the old one.
    entry.record = record;
    changed = true;
    return { key: recordKey(entry), value: record };
  }

  /** Back in its place, undelivered. */
  function putBack(entry: QueueEntry): void {
    deliveries.untouched(entry);
    window.putBack(entry);
    expiry.lookAgain(entry.sequence, entry.expiresAtMs);
  }

  /** A delivery that was not completed: back in its place, or past its last try. */
  function comeBack(entry: QueueEntry, record?: Buffer): Settlement {
    entry.deliveryCount++;
    if (entry.deliveryCount >= limits().maxDeliveryCount) {
      entry.record = record;
      return leave(entry);
    }
    if (entry.state === 'active') putBack(entry);
    const writes = [deliveries.counted(entry)];
    if (record !== undefined) writes.push(rewrite(entry, record));
    return { kind: 'done', entry, writes };
  }

  /** Sets a message aside, in a place of its own in the store: those that are read in turn stay close together. */
  function setAside(entry: QueueEntry, record: Buffer): Settlement {
    const writes: Write[] = [];
    if (entry.state === 'active') {
      writes.push({ key: messageKey(id, entry.sequence) });
      if (sessions) writes.push({ key: sessionRowKey(id, entry) });
      entry.state = 'deferred';
      if (sessions) writes.push(sessionRowWrite(id, entry, record));
      deferredCount++;
      removeActive();
    }
    entry.deliveryCount++;
    writes.push(rewrite(entry, record), deliveries.counted(entry));
    return { kind: 'done', entry, writes };
  }

  function leave(entry: QueueEntry): Settlement {
    leaving.add(entry);
    return { kind: 'dead-letter', entry };
  }

  /** Leaves from where nobody had it. */
  function leaveUntouched(entry: QueueEntry): QueueEntry {
    deliveries.untouched(entry);
    leaving.add(entry);
    return entry;
  }

  function unfit(entry: QueueEntry, nowMs: number): Unfit | undefined {
    if (entry.expiresAtMs <= nowMs) return { expired: entry };
    const tried = entry.deliveryCount > 0 && entry.deliveryCount >= limits().maxDeliveryCount;
    return tried ? { exceeded: entry } : undefined;
  }

  const lock = (token: string, entry: QueueEntry, nowMs: number): number =>
    locks.add(token, entry, { nowMs, durationMs: sessions ? Number.POSITIVE_INFINITY : limits().lockDurationMs });

  const state = (): QueueState => {
    return { nextSequence, firstSequence, count, bytes, deferredCount, removedCount, deliveredBelow };
  };

  return {
    id,

    /** Where the record of a message lies in the store. */
    recordKey,

    /** The number of the next message to be put. */
    peekSequence: () => nextSequence,

    /** Gives a number away to a message that is stored elsewhere: what it was when it came. */
    skip(): number {
      changed = true;
      return nextSequence++;
    },

    /** Puts a record as message `peekSequence()`. It can be delivered once `publish` says that it is durable. */
    put(record: Buffer, expiresAtMs: number, { deliveryCount = 0, sessionId }: PutOptions = {}): Write {
      const sequence = nextSequence++;
      if (expiry.note(sequence, expiresAtMs)) expiry.forgetBelow(firstSequence);
      count++;
      bytes += record.length;
      changed = true;
      if (deliveryCount > 0) extras.push(countRow(id, sequence, deliveryCount));
      if (sessionId !== undefined) extras.push(sessionRowWrite(id, { sequence, state: 'active', sessionId }, record));
      return { key: messageKey(id, sequence), value: record };
    },

    /** Called in order of sequence number when the put is durable. */
    publish: window.publish,

    expiry,
    ahead: window.ahead,
    sessions,

    /** Forgets what is known of the expiry of messages that are gone. */
    forgetExpiredBlocks: () => expiry.forgetBelow(firstSequence),

    /** Takes out of memory what has expired; `discard` removes it. */
    takeExpired: (nowMs: number): QueueEntry[] => window.takeExpired(nowMs).map(leaveUntouched),

    /** Takes a message that was found in the store, ahead of what is in memory. Nothing may be loaded meanwhile. */
    takeAhead(entry: QueueEntry): QueueEntry {
      leaving.add(entry);
      return entry;
    },

    /** Whether messages of a block are on their way to the disk. */
    hasUnpublished: (block: number): boolean =>
      window.ahead().toSequence < Math.min(nextSequence, (block + 1) * EXPIRY_BLOCK),

    /** When the messages of a block expire that are in memory, in any order. */
    expiriesInMemory(block: number): number[] {
      const expiries: number[] = [];
      const regard = ({ sequence, state: place, expiresAtMs }: QueueEntry) => {
        if (place === 'active' && blockOf(sequence) === block) expiries.push(expiresAtMs);
      };
      for (const entry of window.entries()) regard(entry);
      for (const entry of locks.entries()) regard(entry);
      return expiries;
    },

    /** What a stored message without a delivery count counts: it was locked when an earlier life ended, or it is new. */
    deliveriesBefore: (sequence: number): number => (sequence < initial.deliveredBelow ? 1 : 0),

    /** Whether there is something that no batch has taken along yet. */
    hasChanged: (): boolean => changed,

    wanted: window.wanted,
    loaded: window.loaded,
    available: window.available,

    /** Why a message cannot be delivered, if so. */
    unfit,

    /** Takes the next message under a lock, or out of the queue when it cannot be delivered. */
    take(nowMs: number, newToken: () => string, from: Source = window): Taken | Unfit | undefined {
      const entry = from.next();
      if (entry === undefined) return undefined;
      const fault = unfit(entry, nowMs);
      if (fault !== undefined) {
        leaveUntouched(entry);
        return fault;
      }
      deliveries.took(entry);
      sessions?.took(entry);
      const lockToken = newToken();
      const lockedUntilMs = lock(lockToken, entry, nowMs);
      const record = entry.record;
      entry.record = undefined;
      // A delivery is to be noted, though nothing else may be.
      changed = true;
      return { entry, record, lockToken, lockedUntilMs };
    },

    /** Takes the next message for good (receive and delete); `discard` removes it. */
    takeAway(
      nowMs: number,
      from: Source = window,
    ): { readonly entry: QueueEntry } | { readonly expired: QueueEntry } | undefined {
      const entry = from.next();
      if (entry === undefined) return undefined;
      leaveUntouched(entry);
      return entry.expiresAtMs <= nowMs ? { expired: entry } : { entry };
    },

    /** A message that was taken for good stays after all. */
    stay(entry: QueueEntry): void {
      leaving.delete(entry);
      putBack(entry);
    },

    /** The writes that remove a message which is on its way out. */
    discard(entry: QueueEntry): Write[] {
      leaving.delete(entry);
      return remove(entry);
    },

    /**
     * Takes a lock back as if the message had never been delivered: its receiver went away before it was sent. A deferred
     * one stays in hand until its count is durable; `letGo` follows.
     */
    giveBack(token: string): QueueEntry | undefined {
      const entry = locks.remove(token, Number.NEGATIVE_INFINITY);
      if (entry === undefined) return undefined;
      changed = true;
      if (entry.state === 'active') putBack(entry);
      else deliveries.untouched(entry);
      return entry;
    },

    /** The writes that remove a locked message which turned out to be gone. */
    drop(token: string): Write[] {
      const entry = locks.remove(token, Number.NEGATIVE_INFINITY);
      return entry === undefined ? [] : remove(entry);
    },

    complete(token: string, nowMs: number): Settlement {
      const entry = locks.remove(token, nowMs);
      return entry === undefined ? { kind: 'lock-lost' } : { kind: 'done', entry, writes: remove(entry) };
    },

    /** The message under a lock. */
    locked: (token: string): QueueEntry | undefined => locks.get(token),
    holds: locks.holds,

    /** Gives a message back; with `record` it is stored anew. */
    abandon(token: string, nowMs: number, record?: Buffer): Settlement {
      const entry = locks.remove(token, nowMs);
      return entry === undefined ? { kind: 'lock-lost' } : comeBack(entry, record);
    },

    /** Sets a message aside for who knows its number; `record` is what is stored of it from now on. */
    defer(token: string, nowMs: number, record: Buffer): Settlement {
      const entry = locks.remove(token, nowMs);
      return entry === undefined ? { kind: 'lock-lost' } : setAside(entry, record);
    },

    /**
     * Takes deferred messages in hand, so that they can be read; false when somebody else has one of them. `lockDeferred`,
     * `takeDeferred` or `letGo` follows for each.
     */
    claimDeferred: held.claim,
    letGo: held.letGo,

    /** Locks a claimed message that was found in the store. */
    lockDeferred(entry: QueueEntry, nowMs: number, newToken: () => string): Taken {
      const lockToken = newToken();
      deliveries.took(entry);
      changed = true;
      return { entry, record: entry.record, lockToken, lockedUntilMs: lock(lockToken, entry, nowMs) };
    },

    /** Takes a claimed message for good, or because it has expired; `discard` removes it. */
    takeDeferred: (entry: QueueEntry): void => void leaving.add(entry),

    /** What was decided on a message is durable. */
    committed(entry: QueueEntry): void {
      if (entry.state === 'deferred') held.letGo(entry.sequence);
      else entry.record = undefined;
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
    expireLocks: (nowMs: number): Settlement[] => locks.expire(nowMs).map((entry) => comeBack(entry)),

    state,
    sizeBytes: () => bytes,

    /** Further writes of what happened since this was last asked: they belong to the same batch. */
    takeExtras(): Write[] {
      deliveredBelow = Math.max(deliveredBelow, window.firstUndelivered());
      const taken = extras.concat(expiry.takeWrites(), sessions?.takeWrites(id) ?? [], deliveries.takeWrites());
      extras = [];
      return taken;
    },

    /** The state when it differs from what was last asked for here: what a batch has to write. */
    changedState(): QueueState | undefined {
      if (!changed) return undefined;
      changed = false;
      return state();
    },
  };
}
