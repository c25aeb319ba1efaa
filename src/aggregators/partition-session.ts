import { setImmediate } from 'node:timers/promises';
import type { PartitionEvent, PartitionPosition } from '../messaging/index.js';
import { type Clock, delay, msUntil } from '../shared/clock.js';
import { messageOf } from '../shared/errors.js';
import type { Logger } from '../shared/logger.js';
import { readPack } from '../shared/pack.js';
import type { OfferSender } from './behaviour/offer-sender.js';
import { AggregatorError } from './errors.js';
import type { Owner } from './sink/owner.js';
import type { LiveSink } from './sink/redis-sink.js';
import type { PartitionState, SavedState } from './state/partition.js';
import { whereabouts } from './whereabouts.js';

export interface SessionOptions {
  /** Changes wait this long for further ones before they are shown. */
  readonly flushIntervalMs: number;
  /** The state is saved this often at the most. */
  readonly snapshotIntervalMs: number;
  /** Share of the time that saving may take: after a long save the next one waits accordingly. */
  readonly snapshotShare: number;
  /** Panes that may wait to be shown before reading pauses. */
  readonly maxUnwrittenPanes: number;
  /** How long reading pauses before the partition is given up, so that the SDK's queue cannot grow meanwhile. */
  readonly maxPauseMs: number;
}

export const defaultSessionOptions: SessionOptions = Object.freeze({
  flushIntervalMs: 150,
  snapshotIntervalMs: 4_000,
  snapshotShare: 0.05,
  maxUnwrittenPanes: 5_000,
  maxPauseMs: 10_000,
});

export interface SessionDeps {
  readonly owner: Owner;
  readonly state: PartitionState;
  readonly sink: LiveSink;
  /** Writes the state; called with no other save of this partition in progress. */
  readonly save: (state: SavedState) => Promise<void>;
  readonly checkpoint: (position: PartitionPosition) => Promise<void>;
  /** Removes what Redis shows of the partition that is of another hub. */
  readonly adopt: () => Promise<void>;
  readonly offers: OfferSender | undefined;
  /** Of each partition why its reader stopped, from one session to the next until a hub event is applied again. */
  readonly stops: Pick<Map<string, string>, 'get' | 'set' | 'delete'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * One partition while it is ours: counts what is read, shows the figures, and saves the state now and then. Once a write
 * was refused because there is a later owner it writes nothing more.
 */
export interface PartitionSession {
  /** @throws AggregatorError PS_PARTITION_FENCED when there is a later owner, PS_SINK_UNAVAILABLE */
  process(events: readonly PartitionEvent[]): Promise<void>;
  /** Shows and saves what there is, neither waiting for the other. */
  close(): Promise<void>;
}

/** Hub events that are applied before others get their turn. Each may be a pack of a thousand events. */
const EVENTS_PER_TURN = 4;
const RETRY_MS = 500;
/** Of saves that take long, the longest time between two, in intervals. */
const MAX_INTERVALS = 10;

export function createPartitionSession(deps: SessionDeps, options: SessionOptions): PartitionSession {
  const { owner, state, sink, stops, clock, logger } = deps;
  const { partition: partitionId } = owner;
  let closed = false;
  let fenced: AggregatorError | undefined;
  /** A hub event is in the state in part: it is neither shown nor saved any more, and read again by the next owner. */
  let torn = false;
  let processing: Promise<void> = Promise.resolve();
  let flushing: Promise<void> | undefined;
  /** What changed while a flush was on its way. */
  let flushAgain = false;
  let saving: Promise<void> | undefined;
  let checkpointing: Promise<void> | undefined;
  let cancelFlush: (() => void) | undefined;
  let cancelSave: (() => void) | undefined;
  let lastFlushMs = Number.NEGATIVE_INFINITY;
  let nextSaveMs = clock.now() + options.snapshotIntervalMs;
  const longestSaveWaitMs = MAX_INTERVALS * options.snapshotIntervalMs;
  let savedAtMs: number | undefined;
  /** Why the state could not be saved when that was tried last. */
  let unsaved: string | undefined;
  let savedPosition: PartitionPosition | undefined = state.position;
  let checkpointed: number | undefined;
  let shownSequenceNumber = -1;
  /** Redis has all of it up to here, as far as is known. */
  let completeThrough = -1;
  /** A former owner was further on, and what it has shown may be a part: then everything is shown once more. */
  let showAllAt = -1;

  /** How often Redis may have lost what it had. */
  let losses = 0;
  /** Of these it is known whether what came back was of another hub: Redis may have been brought back from before it. */
  let adoptedLosses = 0;
  const adoptLost = async (): Promise<void> => {
    const before = losses;
    if (adoptedLosses === before) return;
    await deps.adopt();
    adoptedLosses = before;
    state.markAllDirty();
  };
  const stopRecovery = sink.onRecovered(() => {
    losses++;
    completeThrough = -1;
    state.markAllDirty();
    scheduleFlush();
  });

  /** Whether it is the word that there is a later owner. */
  const isLoss = (error: unknown): boolean => {
    if (!(error instanceof AggregatorError) || error.code !== 'PS_PARTITION_FENCED') return false;
    if (fenced === undefined) logger.info({ partitionId, ...error.facts }, 'another process owns the partition by now');
    fenced = error;
    return true;
  };
  const iso = (ms: number) => new Date(ms).toISOString();
  /** Said once: it is so for as long as more events come than there is room for. */
  let toldOfShortMemory = false;
  const tellOfShortMemory = () => {
    const { ms, tooShort } = state.remembered;
    if (tooShort && !toldOfShortMemory)
      logger.warn({ partitionId, rememberedMs: ms }, 'event ids are forgotten early: see aggregators.rememberedIds');
    toldOfShortMemory = tooShort;
    return Number.isFinite(ms) ? ms : null;
  };
  const report = () => {
    void sink.report(owner, {
      sequenceNumber: shownSequenceNumber,
      watermark: Number.isFinite(state.watermarkMs) ? iso(state.watermarkMs) : null,
      appliedAt: iso(clock.now()),
      savedAt: savedAtMs === undefined ? null : iso(savedAtMs),
      offersWaiting: state.outbox.size,
      offersGivenUp: deps.offers?.givenUp ?? 0,
      idsRememberedMs: tellOfShortMemory(),
      stopped: stops.get(partitionId) ?? null,
      unsaved: unsaved ?? null,
    });
  };
  const flushOnce = async (): Promise<void> => {
    if (fenced !== undefined) throw fenced;
    if (torn) return;
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
      report();
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
  /** Flushes never overlap, so a version never overtakes a later one. */
  const flush = (): Promise<void> => {
    cancelFlush?.();
    cancelFlush = undefined;
    if (flushing === undefined) {
      flushing = flushOnce().finally(() => {
        flushing = undefined;
        if (flushAgain) scheduleFlush();
        flushAgain = false;
      });
    } else flushAgain = true;
    return flushing;
  };
  const scheduleFlush = (waitMs = msUntil(clock, lastFlushMs + options.flushIntervalMs, options.flushIntervalMs)) => {
    if (closed || fenced !== undefined || cancelFlush !== undefined) return;
    cancelFlush = clock.setTimer(() => void flushOrRetry(), waitMs);
  };
  /** Why the figures cannot be written, as it was logged: it is tried twice a second. */
  let told: string | undefined;
  const flushOrRetry = () =>
    flush().then(
      () => {
        if (told !== undefined) logger.info({ partitionId }, 'the figures are written again');
        told = undefined;
      },
      (error: unknown) => {
        if (isLoss(error)) return;
        const why = messageOf(error);
        if (why !== told) logger.warn({ partitionId, err: why }, 'the figures could not be written; trying again');
        told = why;
        scheduleFlush(RETRY_MS);
      },
    );

  const attempt = (step: () => Promise<void>) =>
    step().catch((error: unknown) => {
      if (!isLoss(error))
        logger.warn({ partitionId, err: messageOf(error) }, 'the state could not be saved; trying again');
    });
  const saveState = async () => {
    if (state.position?.sequenceNumber === savedPosition?.sequenceNumber) return;
    const saved = state.save();
    try {
      await deps.save(saved);
    } catch (error) {
      unsaved = messageOf(error);
      if (shownSequenceNumber >= 0) report();
      throw error;
    }
    unsaved = undefined;
    savedPosition = saved.position;
    savedAtMs = clock.now();
    report();
  };
  /** Who goes by the checkpoint finds all before it in the saved state, and in the figures. */
  const checkpointOnce = async () => {
    const position = savedPosition;
    if (position === undefined || position.sequenceNumber === checkpointed) return;
    const isShown = () => completeThrough >= position.sequenceNumber;
    // A flush that is under way may have begun before.
    for (let flushes = 0; flushes < 2 && !closed && !isShown(); flushes++) await flushOrRetry();
    if (fenced !== undefined || !isShown()) return;
    await deps.checkpoint(position);
    checkpointed = position.sequenceNumber;
  };
  const saveOnce = async () => {
    if (fenced !== undefined || torn || state.position === undefined) return;
    const startMs = clock.now();
    await attempt(saveState);
    const tookMs = clock.now() - startMs;
    // Not without bound: what comes until the next save is read again by a new owner.
    const restMs = Math.min(tookMs / options.snapshotShare, longestSaveWaitMs);
    nextSaveMs = clock.now() + Math.max(options.snapshotIntervalMs, restMs);
  };
  const save = (): Promise<void> => {
    cancelSave?.();
    cancelSave = undefined;
    saving ??= saveOnce().finally(() => {
      saving = undefined;
      void checkpoint();
    });
    return saving;
  };
  /** Apart from saving, which does not wait for Redis. */
  const checkpoint = (): Promise<void> => {
    checkpointing ??= attempt(checkpointOnce).finally(() => {
      checkpointing = undefined;
      if (state.position?.sequenceNumber !== checkpointed) scheduleSave();
    });
    return checkpointing;
  };
  const scheduleSave = () => {
    if (closed || fenced !== undefined || cancelSave !== undefined) return;
    cancelSave = clock.setTimer(() => void save(), msUntil(clock, nextSaveMs, longestSaveWaitMs));
  };

  /** Reading pauses while too much waits to be shown. */
  const drain = async () => {
    const startMs = clock.now();
    while (!closed && state.unwritten > options.maxUnwrittenPanes) {
      try {
        await flush();
      } catch (cause) {
        if (isLoss(cause)) throw cause;
        if (clock.now() - startMs > options.maxPauseMs) {
          throw new AggregatorError('PS_SINK_UNAVAILABLE', `partition ${partitionId}: ${messageOf(cause)}`, { cause });
        }
        await delay(clock, RETRY_MS);
      }
    }
  };
  const apply = (event: PartitionEvent) => {
    torn = true;
    try {
      state.apply(readPack(event.body), event);
    } catch (error) {
      const { name, place } = whereabouts(error);
      stops.set(partitionId, place === undefined ? name : `${name} at ${place}`);
      // A session of figures that are there tells nothing before it has shown them: it would be taken for their position.
      if (shownSequenceNumber >= 0 || state.position === undefined) report();
      throw error;
    }
    torn = false;
    stops.delete(partitionId);
  };
  const processAll = async (events: readonly PartitionEvent[]) => {
    if (fenced !== undefined) throw fenced;
    if (torn) throw new Error('a hub event could not be applied: the partition has to be opened again');
    if (events.length === 0) return;
    for (const [index, event] of events.entries()) {
      if (closed || fenced !== undefined) return;
      apply(event);
      if (index % EVENTS_PER_TURN === EVENTS_PER_TURN - 1) await setImmediate();
    }
    deps.offers?.kick();
    scheduleFlush();
    scheduleSave();
    await drain();
  };

  const flushLast = async () => {
    await flushing?.catch(() => {});
    await flush().catch((error: unknown) => {
      if (!isLoss(error)) logger.warn({ partitionId, err: messageOf(error) }, 'last write failed');
    });
  };
  const saveLast = async () => {
    await saving;
    await save();
  };

  if (state.position !== undefined) {
    scheduleFlush();
    // Who had the partition may have saved and not told.
    scheduleSave();
  }
  deps.offers?.onChange(() => {
    if (!closed && fenced === undefined) report();
  });
  deps.offers?.kick();
  return {
    process(events) {
      processing = processAll(events);
      return processing;
    },
    async close() {
      closed = true;
      deps.offers?.close();
      // Side by side: a Redis that does not answer must not cost the state. Nothing is applied any more.
      await Promise.all([flushLast(), saveLast(), processing.catch(() => {})]);
      await checkpointing;
      await checkpoint();
      // Not before: what Redis lost meanwhile must not count as shown.
      stopRecovery();
    },
  };
}
