import type { PenstockEvent } from '../../events/index.js';
import { PANE_MS } from '../../shared/live-keys.js';
import type { Behaviours } from '../behaviour/behaviours.js';
import type { Observation } from '../metrics/define.js';
import { type AggregatorOptions, LONGEST_LOOK_BACK_MS } from '../options.js';
import { createWatermark } from '../watermark.js';
import { type Changes, createChanges, type StateChanges } from './changes.js';
import { timeOf } from './event-time.js';
import { createFigures, type FiguresParts } from './figures.js';
import type { Position, SavedState } from './saved.js';
import { createSeenEvents, type SeenEvents } from './seen-events.js';
import { totalNames } from './total-names.js';
import { createTotals } from './totals.js';

/**
 * Everything that the figures of one partition are made from. Pure: its content depends only on the hub events that
 * were applied, in their order, so reading them again from any saved state gives the same figures.
 */
export interface PartitionState extends Pick<Changes, 'written' | 'notWritten' | 'markAllDirty' | 'unwritten'> {
  /** The last hub event that was applied. */
  readonly position: Position | undefined;
  /** Newest event time; -Infinity before the first event. */
  readonly watermarkMs: number;
  /**
   * Applies one hub event: its pack of events, or undefined when its body could not be read. At or before the position
   * it does nothing and returns false.
   */
  apply(pack: readonly unknown[] | undefined, position: Position): boolean;
  /** Undefined when nothing changed. The caller owes a call of `written` or `notWritten` for the result. */
  takeChanges(): StateChanges | undefined;
  /** How far back every event id is remembered, and whether that is less than it should be, for want of room. */
  readonly remembered: ReturnType<SeenEvents['remembered']>;
  /** Offers on their way to the topic. */
  readonly outbox: Behaviours['outbox'];
  /** A copy of the state as it is now. */
  save(): SavedState;
}

/** What a state is made of. */
export interface StateParts extends FiguresParts {
  /** Times of arrival are known to the second alone; by default to the millisecond. */
  readonly arrivalsInSeconds?: boolean;
}

/** @param parts their seed keys the hashes of a state that is not restored */
export function createPartitionState(
  options: AggregatorOptions,
  parts: StateParts,
  saved?: SavedState,
): PartitionState {
  if (options.allowedLatenessMs < LONGEST_LOOK_BACK_MS) throw new RangeError('allowedLatenessMs is too short');
  const seed = saved?.ids.seed ?? parts.seed;
  const observation: Observation = {
    event: undefined as never,
    timeMs: 0,
    enqueuedAtMs: 0,
    enqueuedToMs: !parts.arrivalsInSeconds,
    visitor: undefined,
    visit: undefined,
  };
  let position = saved?.position;
  const totals = createTotals(saved?.totals);
  const watermark = createWatermark(options.allowedLatenessMs, saved?.watermarkMs ?? undefined);
  const seen = createSeenEvents(options, seed, saved);
  const figures = createFigures(options, { ...parts, seed }, { observation, totals, saved });
  const changes = createChanges(figures.shown);
  if (saved !== undefined) {
    // In this order: a pane that was saved because it was not shown yet must not be evicted before it is.
    changes.markAllDirty();
    figures.settle(watermark.horizonMs(PANE_MS));
  }

  /** One event, at its place in its pack. Returns whether it goes into the figures. */
  const observe = (event: PenstockEvent, timeMs: number, arrivedMs: number, index: number): boolean => {
    if (!seen.add(event, arrivedMs, watermark.timeMs)) {
      totals.add(totalNames.duplicate);
      return false;
    }
    observation.event = event;
    observation.timeMs = timeMs;
    // Another producer may send null for nobody.
    observation.visitor = event.data.anonymousId ?? event.data.userId ?? undefined;
    observation.visit = undefined;
    const { sequenceNumber } = position as Position;
    const inTime = watermark.observe(timeMs);
    const behindMs = watermark.timeMs - timeMs;
    if (!inTime) {
      figures.countLate({ sequenceNumber, index, behindMs });
      return false;
    }
    figures.settle(watermark.horizonMs(PANE_MS));
    figures.count(behindMs, sequenceNumber, index);
    return true;
  };

  const applyPack = (pack: readonly unknown[], enqueuedAtMs: number) => {
    const secondMs = secondOf(enqueuedAtMs);
    const latestMs = secondMs + options.maxSkewMs;
    observation.enqueuedAtMs = enqueuedAtMs;
    /** One sum for all, since each event would look it up. */
    let counted = 0;
    for (let index = 0; index < pack.length; index++) {
      const timeMs = timeOf(pack[index]);
      if (!(timeMs >= 0)) totals.add(totalNames.malformed);
      else if (observe(pack[index] as PenstockEvent, timeMs > latestMs ? secondMs : timeMs, secondMs, index)) counted++;
    }
    if (counted > 0) totals.add(totalNames.counted, counted);
  };

  return {
    get position() {
      return position;
    },
    get watermarkMs() {
      return watermark.timeMs;
    },
    apply(pack, at) {
      if (position !== undefined && at.sequenceNumber <= position.sequenceNumber) return false;
      position = at;
      if (pack === undefined) totals.add(totalNames.malformed);
      else applyPack(pack, at.enqueuedAtMs);
      return true;
    },
    takeChanges: () => (position === undefined ? undefined : changes.take(position)),
    written: changes.written,
    notWritten: changes.notWritten,
    markAllDirty: changes.markAllDirty,
    get unwritten() {
      return changes.unwritten;
    },
    outbox: figures.outbox,
    get remembered() {
      return seen.remembered(position?.enqueuedAtMs ?? 0);
    },
    save() {
      if (position === undefined) throw new Error('nothing was applied yet');
      return {
        position,
        watermarkMs: Number.isFinite(watermark.timeMs) ? watermark.timeMs : null,
        ...figures.save(),
        ...seen.save(),
      };
    },
  };
}

/**
 * What depends on the time of arrival is decided by its second: files of Capture know no more, and a replay of them has to
 * decide alike.
 */
const secondOf = (timeMs: number): number => timeMs - (timeMs % 1_000);
