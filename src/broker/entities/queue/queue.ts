import type { Write } from '../../store/types.js';
import type { Sessions } from '../sessions/index.js';
import { createDeferred } from './deferred.js';
import { createDeliveries } from './deliveries.js';
import { createExpiry, EXPIRY_BLOCK } from './expiry.js';
import { createLocks } from './locks.js';
import { createPlaces } from './places.js';
import { createReceiving } from './receiving.js';
import { createSettlement } from './settlement.js';
import { createStored, type PutOptions } from './stored.js';
import { Tally } from './tally.js';
import { type QueueEntry, type QueueLimits, type QueueState, WINDOW, type WindowBounds } from './types.js';
import { createWindow, type Window } from './window.js';

export type Queue = ReturnType<typeof createQueue>;

export interface QueueOptions {
  readonly bounds?: WindowBounds;
  /** Where messages are taken by session: who holds one takes from its lane, under the lock on the session. */
  readonly sessions?: Sessions;
}

const NEVER = Number.POSITIVE_INFINITY;

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
  const tally = new Tally(initial);
  const window: Window = sessions ?? createWindow(initial, bounds);
  const locks = createLocks(sessions ? () => NEVER : () => limits().lockDurationMs);
  const expiry = createExpiry(id);
  const deliveries = createDeliveries(
    id,
    ({ sessionId = '' }) => sessions?.deliveredBelow(sessionId) ?? tally.deliveredBelow,
  );
  const places = createPlaces({ window, locks, deliveries, expiry });
  const { removalsPerRecount } = bounds;
  const inSessions = sessions !== undefined;
  const stored = createStored(id, { tally, deliveries, places, locks, inSessions, removalsPerRecount });
  const receiving = createReceiving({ limits, window, sessions, places, locks, deliveries, tally });
  const settlement = createSettlement({ limits, places, locks, deliveries, stored });
  const deferred = createDeferred({ places, locks, deliveries, tally });

  return {
    id,
    sessions,
    recordKey: stored.recordKey,

    /** The number of the next message to be put. */
    peekSequence: () => tally.nextSequence,

    /** Gives a number away to a message that is stored elsewhere: what it was when it came. */
    skip(): number {
      tally.changed = true;
      return tally.nextSequence++;
    },

    /** Puts a record as message `peekSequence()`. It can be delivered once `publish` says that it is durable. */
    put(record: Buffer, expiresAtMs: number, options: PutOptions = {}): Write {
      if (expiry.note(tally.nextSequence, expiresAtMs)) expiry.forgetBelow(tally.firstSequence);
      return stored.put(record, options);
    },

    /** Called in order of sequence number when the put is durable. */
    publish: window.publish,

    ahead: window.ahead,
    wanted: window.wanted,
    loaded: window.loaded,
    available: window.available,

    unfit: receiving.unfit,
    take: receiving.take,
    takeAway: receiving.takeAway,
    stay: receiving.stay,
    giveBack: receiving.giveBack,

    /** The message under a lock. */
    locked: locks.get,
    holds: locks.holds,
    /** When the oldest lock ends; undefined when nothing is locked. */
    nextLockEndMs: locks.nextEndMs,

    complete: settlement.complete,
    abandon: settlement.abandon,
    defer: settlement.defer,
    deadLetter: settlement.deadLetter,
    renew: settlement.renew,
    expireLocks: settlement.expireLocks,
    drop: settlement.drop,

    claimDeferred: deferred.claim,
    letGo: deferred.letGo,
    lockDeferred: deferred.lock,
    takeDeferred: deferred.take,

    /** The writes that remove a message which is on its way out. */
    discard(entry: QueueEntry): Write[] {
      places.left(entry);
      return stored.remove(entry);
    },

    /** What was decided on a message is durable. */
    committed(entry: QueueEntry): void {
      if (entry.state === 'deferred') deferred.letGo(entry.sequence);
      else entry.record = undefined;
    },

    expiry,
    /** Forgets what is known of the expiry of messages that are gone. */
    forgetExpiredBlocks: () => expiry.forgetBelow(tally.firstSequence),
    /** Takes out of memory what has expired; `discard` removes it. */
    takeExpired: (nowMs: number): QueueEntry[] => window.takeExpired(nowMs).map(places.leaveUntouched),
    /** Takes a message that was found in the store, ahead of what is in memory. Nothing may be loaded meanwhile. */
    takeAhead: places.leave,
    /** Whether messages of a block are on their way to the disk. */
    hasUnpublished: (block: number): boolean =>
      window.ahead().toSequence < Math.min(tally.nextSequence, (block + 1) * EXPIRY_BLOCK),
    expiriesInMemory: places.expiriesIn,

    /** What a stored message without a delivery count counts: it was locked when an earlier life ended, or it is new. */
    deliveriesBefore: (sequence: number): number => (sequence < initial.deliveredBelow ? 1 : 0),

    state: () => tally.state(),
    sizeBytes: () => tally.bytes,
    /** Whether there is something that no batch has taken along yet. */
    hasChanged: (): boolean => tally.changed,

    /** Further writes of what happened since this was last asked: they belong to the same batch. */
    takeExtras(): Write[] {
      tally.deliveredBelow = Math.max(tally.deliveredBelow, window.firstUndelivered());
      return stored.takeExtras().concat(expiry.takeWrites(), sessions?.takeWrites(id) ?? [], deliveries.takeWrites());
    },

    changedState: () => tally.takeChanged(),
  };
}
