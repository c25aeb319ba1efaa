import { setImmediate } from 'node:timers/promises';
import type { PartitionEvent, PartitionPosition } from '../../messaging/index.js';
import { type Clock, delay } from '../../shared/clock.js';
import { messageOf } from '../../shared/errors.js';
import type { Logger } from '../../shared/logger.js';
import { readPack } from '../../shared/pack.js';
import type { OfferSender } from '../behaviour/offer-sender.js';
import { AggregatorError } from '../errors.js';
import type { Owner } from '../sink/owner.js';
import type { LiveSink } from '../sink/redis-sink.js';
import type { PartitionState } from '../state/partition.js';
import type { SavedState } from '../state/saved.js';
import { whereabouts } from '../whereabouts.js';
import { createHealthReport } from './health.js';
import type { SavePaceOptions } from './save-pace.js';
import { createSaving } from './saving.js';
import { createShowing, RETRY_MS } from './showing.js';
import { createTenure } from './tenure.js';

export interface SessionOptions extends SavePaceOptions {
  /** Changes wait this long for further ones before they are shown. */
  readonly flushIntervalMs: number;
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
  readonly random: () => number;
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

export function createPartitionSession(deps: SessionDeps, options: SessionOptions): PartitionSession {
  const { owner, state, offers, stops, clock, logger } = deps;
  const { partition: partitionId } = owner;
  const tenure = createTenure(partitionId, logger);
  const report = createHealthReport(deps, () => ({
    shownSequenceNumber: showing.sequenceNumber,
    savedAtMs: saving.savedAtMs,
    unsaved: saving.unsaved,
  }));
  const showing = createShowing({ ...deps, tenure, onShown: report }, options.flushIntervalMs);
  const saving = createSaving({ ...deps, partitionId, showing, tenure, onChange: report }, options);
  let processing: Promise<void> = Promise.resolve();

  const apply = (event: PartitionEvent) => {
    tenure.torn = true;
    try {
      state.apply(readPack(event.body), event);
    } catch (error) {
      const { name, place } = whereabouts(error);
      stops.set(partitionId, place === undefined ? name : `${name} at ${place}`);
      report();
      throw error;
    }
    tenure.torn = false;
    stops.delete(partitionId);
  };
  /** Reading pauses while too much waits to be shown. */
  const drain = async () => {
    const startMs = clock.now();
    while (!tenure.closed && state.unwritten > options.maxUnwrittenPanes) {
      try {
        await showing.flush();
      } catch (cause) {
        if (tenure.isLoss(cause)) throw cause;
        if (clock.now() - startMs > options.maxPauseMs) {
          throw new AggregatorError('PS_SINK_UNAVAILABLE', `partition ${partitionId}: ${messageOf(cause)}`, { cause });
        }
        await delay(clock, RETRY_MS);
      }
    }
  };
  const processAll = async (events: readonly PartitionEvent[]) => {
    if (tenure.refusal !== undefined) throw tenure.refusal;
    if (tenure.torn) throw new Error('a hub event could not be applied: the partition has to be opened again');
    if (events.length === 0) return showing.look();
    for (const [index, event] of events.entries()) {
      if (tenure.closed || tenure.refusal !== undefined) return;
      apply(event);
      if (index % EVENTS_PER_TURN === EVENTS_PER_TURN - 1) await setImmediate();
    }
    offers?.kick();
    showing.schedule();
    saving.schedule();
    await drain();
  };

  if (state.position !== undefined) {
    showing.schedule();
    // Who had the partition may have saved and not told.
    saving.schedule();
  }
  offers?.onChange(() => {
    if (!tenure.closed && tenure.refusal === undefined) report();
  });
  offers?.kick();
  return {
    process(events) {
      processing = processAll(events);
      return processing;
    },
    async close() {
      tenure.closed = true;
      offers?.close();
      // Side by side: a Redis that does not answer must not cost the state. Nothing is applied any more.
      await Promise.all([showing.flushLast(), saving.saveLast(), processing.catch(() => {})]);
      await saving.checkpointLast();
      // Not before: what Redis lost meanwhile must not count as shown.
      showing.stop();
    },
  };
}
