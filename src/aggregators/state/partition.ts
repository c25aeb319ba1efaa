import type { PenstockEvent } from '../../events/index.js';
import { aggregateOf } from '../../shared/aggregates/index.js';
import type { BehaviourDefinition } from '../../shared/config/index.js';
import { PANE_MS } from '../../shared/live-keys.js';
import { type Hash64, sipHash } from '../../shared/siphash.js';
import { type Behaviours, createBehaviours, defaultBehaviourOptions, TRANSITIONS } from '../behaviour/behaviours.js';
import type { ListMetricDefinition, Observation, PaneMetric } from '../metrics/define.js';
import type { SessionMetric } from '../metrics/define-session.js';
import { type AggregatorOptions, LONGEST_LOOK_BACK_MS } from '../options.js';
import { createWatermark } from '../watermark.js';
import { createNewest } from '../windows/newest.js';
import { addOnly } from '../windows/pane-aggregate.js';
import { createPanes } from '../windows/panes.js';
import { type Changes, createChanges, type StateChanges } from './changes.js';
import { timeOf } from './event-time.js';
import { guarded } from './guarded.js';
import { createHorizon } from './horizon.js';
import type { Seed } from './id-history.js';
import { createLateEvents } from './late.js';
import { createLateCounting } from './late-counting.js';
import { createOtherPanes } from './other-panes.js';
import { createPaneMetrics } from './pane-metrics.js';
import type { Position, SavedState } from './saved.js';
import { createSeenEvents, type SeenEvents } from './seen-events.js';
import { createSessionMetrics } from './session-metrics.js';
import { totalNames } from './total-names.js';
import { createVisitors } from './visitors.js';

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
export interface StateParts {
  readonly metrics: readonly (PaneMetric | SessionMetric)[];
  readonly listMetrics: readonly ListMetricDefinition[];
  /** By default none. */
  readonly behaviours?: readonly BehaviourDefinition[];
  /** Told when the code of a metric throws; the event counts in the others. */
  readonly onFailure?: (metric: string, error: unknown) => void;
  /** Keys the hashes of a state that is not restored. */
  readonly seed: Seed;
  /** Times of arrival are known to the second alone; by default to the millisecond. */
  readonly arrivalsInSeconds?: boolean;
}

const TOTALS_PANE = 0;
const MANY = Number.POSITIVE_INFINITY;

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

  const totals = createPanes(
    addOnly(aggregateOf('count')),
    { maxNamesPerPane: MANY, maxNames: MANY, maxCharacters: MANY },
    saved?.totals,
  );
  const addTotal = (name: string, by = 1) => totals.add(TOTALS_PANE, name, by, 0);
  const metrics = parts.metrics.map((metric) =>
    guarded(metric, (name, error) => {
      addTotal(`${totalNames.failed}:${name}`);
      parts.onFailure?.(name, error);
    }),
  );

  const watermark = createWatermark(options.allowedLatenessMs, saved?.watermarkMs ?? undefined);
  const horizon = createHorizon(options.allowedLatenessMs);
  const seen = createSeenEvents(options, seed, saved);
  const visitors = createVisitors(
    { maxVisitors: options.maxVisitors, lookBackMs: options.allowedLatenessMs },
    saved?.visitors,
  );
  const panesParts = { names: options.names, horizon, saved: saved?.panes };
  const paneMetrics = createPaneMetrics(metrics.filter(isPaneMetric), observation, panesParts);
  const sessions = createSessionMetrics(
    metrics.filter(isSessionMetric),
    { ...panesParts, sessions: options.sessions },
    saved?.sessions,
  );
  const late = createLateEvents(saved?.late);
  const lateCounting = createLateCounting(metrics, late, addTotal);
  const behaviours = createBehaviours(parts.behaviours ?? [], defaultBehaviourOptions, {
    behaviours: saved?.behaviours,
    transitions: saved?.lists[TRANSITIONS],
  });
  const eventLists = parts.listMetrics.map((definition) => {
    const newest = createNewest(definition, saved?.lists[definition.name]);
    return { name: definition.name, definition, newest };
  });
  const lists = [...eventLists, { name: TRANSITIONS, newest: behaviours.transitions }];
  const allPanes = [...paneMetrics.panes, ...sessions.panes];
  const changes = createChanges({ panes: allPanes, lists, totals, late });
  const otherPanes = createOtherPanes(
    allPanes.map(({ id }) => id),
    saved,
  );

  const moveHorizon = () => {
    if (!horizon.moveTo(watermark.horizonMs(PANE_MS))) return;
    visitors.evict(horizon.ms);
    sessions.evict(horizon.ms);
    behaviours.evict(horizon.ms);
    for (const { panes, keptFromMs } of allPanes) panes.evict(keptFromMs());
  };
  if (saved !== undefined) {
    // In this order: a pane that was saved because it was not shown yet must not be evicted before it is.
    changes.markAllDirty();
    moveHorizon();
  }

  const visitorKey: Hash64 = { high: 0, low: 0 };
  /** Who it was goes into `visitorKey`, and what of their coming is new into the observation. */
  const noteVisitor = (visitor: string) => {
    const { high, low } = sipHash(visitor, seed[0], seed[1]);
    visitorKey.high = high;
    visitorKey.low = low;
    const paneMs = observation.timeMs - (observation.timeMs % PANE_MS);
    observation.visit = visitors.visit(visitorKey, paneMs, observation.event.data.context?.device ?? 'other');
  };

  /** One event, at its place in its pack. Returns whether it goes into the figures. */
  const observe = (event: PenstockEvent, timeMs: number, arrivedMs: number, index: number): boolean => {
    if (!seen.add(event, arrivedMs, watermark.timeMs)) {
      addTotal(totalNames.duplicate);
      return false;
    }
    // Another producer may send null for nobody.
    const visitor = event.data.anonymousId ?? event.data.userId ?? undefined;
    observation.event = event;
    observation.timeMs = timeMs;
    observation.visitor = visitor;
    observation.visit = undefined;
    const { sequenceNumber } = position as Position;
    const inTime = watermark.observe(timeMs);
    const behindMs = watermark.timeMs - timeMs;
    if (!inTime) {
      lateCounting.countForAll(observation, { sequenceNumber, index, behindMs });
      return false;
    }
    moveHorizon();
    if (visitor !== undefined) noteVisitor(visitor);
    paneMetrics.observe(behindMs);
    const missed = paneMetrics.missedBy(behindMs);
    if (missed.length > 0) lateCounting.countFor(missed, observation, { sequenceNumber, index, behindMs });
    if (visitor !== undefined) {
      const outcome = sessions.observe(visitorKey, observation);
      if (outcome !== 'counted') addTotal(outcome === 'full' ? totalNames.withoutSession : totalNames.revised);
    }
    if (!behaviours.observe(observation)) addTotal(totalNames.unfollowed);
    for (const { definition, newest } of eventLists) {
      const key = definition.keyOf(observation);
      if (key !== undefined) newest.offer(key, timeMs, event);
    }
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
      if (!(timeMs >= 0)) addTotal(totalNames.malformed);
      else if (observe(pack[index] as PenstockEvent, timeMs > latestMs ? secondMs : timeMs, secondMs, index)) counted++;
    }
    if (counted > 0) addTotal(totalNames.counted, counted);
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
      if (pack === undefined) addTotal(totalNames.malformed);
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
    outbox: behaviours.outbox,
    get remembered() {
      return seen.remembered(position?.enqueuedAtMs ?? 0);
    },
    save() {
      if (position === undefined) throw new Error('nothing was applied yet');
      return {
        position,
        watermarkMs: Number.isFinite(watermark.timeMs) ? watermark.timeMs : null,
        panes: {
          // A wide pane may change for longer than its start tells, and how wide these are nobody knows here.
          ...otherPanes.save(horizon.ms - options.allowedLatenessMs),
          ...Object.fromEntries(allPanes.map(({ id, panes }) => [id, panes.entries()])),
        },
        lists: Object.fromEntries(lists.map(({ name, newest }) => [name, newest.list()])),
        totals: totals.entries(),
        late: late.entries(),
        visitors: visitors.save(),
        sessions: sessions.save(),
        behaviours: behaviours.save(),
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

const isPaneMetric = (metric: PaneMetric | SessionMetric): metric is PaneMetric => metric.kind === 'panes';
const isSessionMetric = (metric: PaneMetric | SessionMetric): metric is SessionMetric => metric.kind === 'sessions';
