import { type CancelTimer, type Clock, msUntil } from '../../shared/clock.js';
import { messageOf } from '../../shared/errors.js';
import type { Logger } from '../../shared/logger.js';
import type { Owner } from '../sink/owner.js';
import type { LiveSink } from '../sink/redis-sink.js';
import type { PartitionState } from '../state/partition.js';
import type { Tenure } from './tenure.js';

export interface ShowingDeps {
  readonly owner: Owner;
  readonly state: PartitionState;
  readonly sink: Pick<LiveSink, 'write' | 'look' | 'onRecovered'>;
  /** Removes what Redis shows of the partition that is of another hub. */
  readonly adopt: () => Promise<void>;
  readonly tenure: Tenure;
  /** Called when the figures are as far as the state was. */
  readonly onShown: () => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The figures of a partition in Redis, brought to where its state is. */
export interface Showing {
  /** Of the hub event that was shown last; -1 before the first. */
  readonly sequenceNumber: number;
  /** Whether Redis has all of it up to there, as far as is known. */
  isComplete(sequenceNumber: number): boolean;
  /** Shows what changed, in a while. */
  schedule(): void;
  /** Nothing comes: looks whether Redis still has what was shown, and if not, shows everything again in a while. */
  look(): void;
  /**
   * Shows what changed. Flushes never overlap, so a version never overtakes a later one: one that is under way is waited
   * for, and followed by another.
   * @throws AggregatorError PS_PARTITION_FENCED when there is a later owner, PS_SINK_UNAVAILABLE
   */
  flush(): Promise<void>;
  /** The same; never rejects, and tries again when it failed. */
  flushOrRetry(): Promise<void>;
  /** The last flush, behind one that is under way. Never rejects. */
  flushLast(): Promise<void>;
  /** What Redis loses from now on concerns the next owner. */
  stop(): void;
}

/** How long a failed try rests. */
export const RETRY_MS = 500;

export function createShowing(deps: ShowingDeps, flushIntervalMs: number): Showing {
  const { owner, state, sink, tenure, clock, logger } = deps;
  const { partition: partitionId } = owner;
  let flushing: Promise<void> | undefined;
  /** What changed while a flush was on its way. */
  let flushAgain = false;
  let cancelFlush: CancelTimer | undefined;
  let lastFlushMs = Number.NEGATIVE_INFINITY;
  let shownSequenceNumber = -1;
  /** Redis has all of it up to here, as far as is known. */
  let completeThrough = -1;
  /** A former owner was further on, and what it has shown may be a part: then everything is shown once more. */
  let showAllAt = -1;
  /** How often Redis may have lost what it had. */
  let losses = 0;
  /** Of these it is known whether what came back was of another hub: Redis may have been brought back from before it. */
  let adoptedLosses = 0;
  let isLooking = false;
  /** Why the figures cannot be written, as it was logged: it is tried twice a second. */
  let told: string | undefined;

  const stop = sink.onRecovered(() => {
    losses++;
    completeThrough = -1;
    state.markAllDirty();
    schedule();
  });
  const adoptLost = async (): Promise<void> => {
    const before = losses;
    if (adoptedLosses === before) return;
    await deps.adopt();
    adoptedLosses = before;
    state.markAllDirty();
  };
  const flushOnce = async (): Promise<void> => {
    if (tenure.refusal !== undefined) throw tenure.refusal;
    if (tenure.torn) return;
    lastFlushMs = clock.now();
    const lossesBefore = losses;
    await adoptLost();
    if (showAllAt >= 0 && (state.position?.sequenceNumber ?? -1) >= showAllAt) {
      state.markAllDirty();
      showAllAt = -1;
    }
    const through = state.position?.sequenceNumber ?? -1;
    const shown = () => {
      if (showAllAt < 0 && losses === lossesBefore) completeThrough = through;
      shownSequenceNumber = through;
      deps.onShown();
    };
    const changes = state.takeChanges();
    if (changes === undefined) {
      // An empty pack is no lag.
      if (completeThrough !== through) shown();
      return;
    }
    try {
      showAllAt = Math.max(showAllAt, await sink.write(owner, changes));
      state.written(changes);
      shown();
    } catch (error) {
      state.notWritten(changes);
      throw error;
    }
  };
  const flush = (): Promise<void> => {
    cancelFlush?.();
    cancelFlush = undefined;
    if (flushing === undefined) {
      flushing = flushOnce().finally(() => {
        flushing = undefined;
        if (flushAgain) schedule();
        flushAgain = false;
      });
    } else flushAgain = true;
    return flushing;
  };
  const schedule = (waitMs = msUntil(clock, lastFlushMs + flushIntervalMs, flushIntervalMs)) => {
    if (tenure.closed || tenure.refusal !== undefined || cancelFlush !== undefined) return;
    cancelFlush = clock.setTimer(() => void flushOrRetry(), waitMs);
  };
  const look = () => {
    // What is about to be written finds out by itself.
    if (isLooking || flushing !== undefined || cancelFlush !== undefined) return;
    isLooking = true;
    void sink.look(owner).finally(() => {
      isLooking = false;
    });
  };
  const flushOrRetry = () =>
    flush().then(
      () => {
        if (told !== undefined) logger.info({ partitionId }, 'the figures are written again');
        told = undefined;
      },
      (error: unknown) => {
        if (tenure.isLoss(error)) return;
        const why = messageOf(error);
        if (why !== told) logger.warn({ partitionId, err: why }, 'the figures could not be written; trying again');
        told = why;
        schedule(RETRY_MS);
      },
    );
  return {
    get sequenceNumber() {
      return shownSequenceNumber;
    },
    isComplete: (sequenceNumber) => completeThrough >= sequenceNumber,
    schedule: () => schedule(),
    look,
    flush,
    flushOrRetry,
    async flushLast() {
      await flushing?.catch(() => {});
      await flush().catch((error: unknown) => {
        if (!tenure.isLoss(error)) logger.warn({ partitionId, err: messageOf(error) }, 'last write failed');
      });
    },
    stop,
  };
}
