import type { PenstockEvent } from '../../events/index.js';
import { type Aggregate, aggregateOf } from '../../shared/aggregates/index.js';
import type { BehaviourDefinition } from '../../shared/config/index.js';
import type { LateEvent } from '../../shared/late-events.js';
import { type MetricDescription, shownPanes } from '../../shared/live-catalogue.js';
import { PANE_MS, PANE_RETENTION_MS, type PaneMetricId, SESSION_GAP_MS } from '../../shared/live-keys.js';
import { type Hash64, sipHash } from '../../shared/siphash.js';
import { type Behaviours, createBehaviours, defaultBehaviourOptions, TRANSITIONS } from '../behaviour/behaviours.js';
import type { SavedBehaviours } from '../behaviour/saved.js';
import type { Count, ListMetricDefinition, Observation, PaneMetric, SessionMetric } from '../metrics/define.js';
import { type AggregatorOptions, LONGEST_LOOK_BACK_MS } from '../options.js';
import { createWatermark } from '../watermark.js';
import { createNetChange } from '../windows/net-change.js';
import { createNewest, type NewestEntry } from '../windows/newest.js';
import { createPanes, type PaneChange, type Panes, type SavedPane } from '../windows/panes.js';
import { createSessions, type SavedSessions } from '../windows/sessions.js';
import { timeOf } from './event-time.js';
import { guarded } from './guarded.js';
import type { Seed } from './id-history.js';
import { concernedBy, createLateEvents, type LateChange, lateEvent, latenessStep } from './late.js';
import { createSeenEvents, type SavedSeenEvents, type SeenEvents } from './seen-events.js';
import { totalNames } from './total-names.js';
import { createVisitors, type SavedVisitors, type Visit } from './visitors.js';

/** Where a hub event is in its partition. */
interface Position {
  readonly sequenceNumber: number;
  readonly offset: string;
  readonly enqueuedAtMs: number;
}

/** What changed since the last time, as absolute values. */
export interface StateChanges {
  /** The last hub event that is in the values. */
  readonly position: Position;
  readonly panes: readonly { readonly metric: PaneMetricId; readonly changes: readonly PaneChange[] }[];
  readonly lists: readonly { readonly metric: string; readonly entries: readonly unknown[] }[];
  readonly totals: readonly PaneChange[];
  /** Events that were too late for metrics. */
  readonly late?: LateChange | undefined;
}

/**
 * Everything that the figures of one partition are made from. Pure: its content depends only on the hub events that
 * were applied, in their order, so reading them again from any saved state gives the same figures.
 */
export interface PartitionState {
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
  written(changes: StateChanges): void;
  notWritten(changes: StateChanges): void;
  /** Everything that is kept has to be written again: the sink lost what it had. */
  markAllDirty(): void;
  /** Panes that wait to be written. */
  readonly unwritten: number;
  /** How far back every event id is remembered, and whether that is less than it should be, for want of room. */
  readonly remembered: ReturnType<SeenEvents['remembered']>;
  /** Offers on their way to the topic. */
  readonly outbox: Behaviours['outbox'];
  /** A copy of the state as it is now. */
  save(): SavedState;
}

export interface SavedState extends SavedSeenEvents {
  readonly position: Position;
  /** Null before the first event. */
  readonly watermarkMs: number | null;
  readonly panes: Readonly<Record<string, SavedPanes>>;
  readonly lists: Readonly<Record<string, readonly NewestEntry<unknown>[]>>;
  readonly totals: SavedPanes;
  readonly late?: readonly LateEvent[] | undefined;
  readonly visitors: SavedVisitors;
  readonly sessions: SavedSessions;
  readonly behaviours?: SavedBehaviours | undefined;
}

type SavedPanes = readonly SavedPane[];

const TOTALS_PANE = 0;
const MANY = Number.POSITIVE_INFINITY;

/** What a metric is shown for a late event, so that it counts whatever it would have counted. */
const LATE_VISIT: Visit = Object.freeze({
  firstInPane: true,
  newest: true,
  previousNewestMs: -1,
  newestOfDevice: true,
  previousNewestOfDeviceMs: -1,
});

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

const count = aggregateOf('count');

export function createPartitionState(
  options: AggregatorOptions,
  parts: StateParts,
  saved?: SavedState,
): PartitionState {
  const { listMetrics, behaviours: definitions = [], seed: newSeed, arrivalsInSeconds = false } = parts;
  if (options.allowedLatenessMs < LONGEST_LOOK_BACK_MS) throw new RangeError('allowedLatenessMs is too short');
  const seed = saved?.ids.seed ?? newSeed;
  const watermark = createWatermark(options.allowedLatenessMs, saved?.watermarkMs ?? undefined);
  const seen = createSeenEvents(options, seed, saved);
  const visitors = createVisitors(
    { maxVisitors: options.maxVisitors, lookBackMs: options.allowedLatenessMs },
    saved?.visitors,
  );
  const late = createLateEvents(saved?.late);
  const visitorKey: Hash64 = { high: 0, low: 0 };
  const totals = createPanes(count, { maxNamesPerPane: MANY, maxNames: MANY, maxCharacters: MANY }, saved?.totals);
  const addTotal = (name: string) => totals.add(TOTALS_PANE, name, 1, 0);
  const metrics = parts.metrics.map((metric) =>
    guarded(metric, (name, error) => {
      addTotal(`${totalNames.failed}:${name}`);
      parts.onFailure?.(name, error);
    }),
  );
  const observation: Observation = {
    event: undefined as never,
    timeMs: 0,
    enqueuedAtMs: 0,
    enqueuedToMs: !arrivalsInSeconds,
    visitor: undefined,
    visit: undefined,
  };
  let position = saved?.position;
  /** Place of the event in its pack. */
  let index = 0;
  /** Events of the pack that went into the figures: one sum for all, since each event would look it up. */
  let counted = 0;
  let horizonMs = Number.NEGATIVE_INFINITY;
  /** Sessions that go on may change panes long before the horizon, but none that nobody can read any more. */
  let oldestReadableMs = Number.NEGATIVE_INFINITY;

  /**
   * Start of the oldest pane that is kept: one that may still change, or that the live figures show, so that a Redis
   * that comes back empty can be filled again.
   */
  const keptFromMs = (description: MetricDescription): number => {
    const shownMs = Math.max(shownPanes(description) * description.paneMs, SESSION_GAP_MS);
    const fromMs = Math.min(horizonMs, horizonMs + options.allowedLatenessMs - shownMs);
    return Math.floor(fromMs / description.paneMs) * description.paneMs;
  };
  const panesFor = (description: MetricDescription): Panes => {
    const aggregate: Aggregate = aggregateOf(description.aggregate);
    return createPanes(aggregate, options.names, saved?.panes[idOf(description)]);
  };
  const paneMetrics = metrics.filter(isPaneMetric).map((metric) => {
    const { description, latenessMs } = metric;
    const { paneMs } = description;
    const panes = panesFor(description);
    const add: Count = (name, input = 1, startMs = observation.timeMs - (observation.timeMs % paneMs)) =>
      panes.add(startMs, name, input, observation.timeMs);
    return { metric, description, panes, add, latenessMs, horizon: () => keptFromMs(description) };
  });
  const sessionChange = createNetChange();
  const sessionMetrics = metrics.filter(isSessionMetric).map((metric) => {
    const { description } = metric;
    const { paneMs } = description;
    const panes = panesFor(description);
    const fold = {
      ...metric,
      id: idOf(description),
      count(startMs: number, name: string, by: 1 | -1) {
        const paneStartMs = startMs - (startMs % paneMs);
        if (paneStartMs >= oldestReadableMs) sessionChange.count(panes, paneStartMs, name, by);
      },
    };
    const horizon = (): number =>
      Math.max(oldestReadableMs, Math.min(keptFromMs(description), sessions.oldestStartMs - description.paneMs));
    return { metric, description, panes, fold, horizon };
  });
  const sessions = createSessions(
    options.sessions,
    sessionMetrics.map(({ fold }) => fold),
    saved?.sessions,
  );
  sessionChange.apply();
  const allPanes = [...paneMetrics, ...sessionMetrics];
  const shortestLatenessMs = Math.min(...paneMetrics.map(({ latenessMs }) => latenessMs));
  const behaviours = createBehaviours(definitions, defaultBehaviourOptions, {
    behaviours: saved?.behaviours,
    transitions: saved?.lists[TRANSITIONS],
  });
  const eventLists = listMetrics.map((definition) => {
    const newest = createNewest(definition, saved?.lists[definition.name]);
    return { name: definition.name, definition, newest };
  });
  const lists = [...eventLists, { name: TRANSITIONS, newest: behaviours.transitions }];
  const moveHorizon = () => {
    const next = watermark.horizonMs(PANE_MS);
    if (next <= horizonMs) return;
    horizonMs = next;
    oldestReadableMs = horizonMs - PANE_RETENTION_MS;
    visitors.evict(horizonMs);
    sessions.evict(horizonMs);
    behaviours.evict(horizonMs);
    for (const { panes, horizon } of allPanes) panes.evict(horizon());
  };
  if (saved !== undefined) {
    // In this order: a pane that was saved because it was not shown yet must not be evicted before it is.
    markAllDirty();
    moveHorizon();
  }

  function markAllDirty(): void {
    for (const { panes } of allPanes) panes.markAllDirty();
    for (const { newest } of lists) newest.markDirty();
    totals.markAllDirty();
    late.markAllDirty();
  }

  /** Counts the event for each of the metrics that would have counted it, and keeps it for the late stream. */
  const countLate = (missed: readonly (PaneMetric | SessionMetric)[]) => {
    const concerned = concernedBy(observation, missed);
    for (const { name } of concerned) addTotal(`${totalNames.late}:${name}`);
    if (concerned.length === 0 && missed !== metrics) return;
    const { sequenceNumber } = position as Position;
    late.add(
      lateEvent(observation, concerned, { sequenceNumber, index, behindMs: watermark.timeMs - observation.timeMs }),
    );
  };
  const countLateForAll = () => {
    addTotal(totalNames.late);
    addTotal(`${totalNames.lateBy}:${latenessStep(watermark.timeMs - observation.timeMs)}`);
    observation.visit = observation.visitor === undefined ? undefined : LATE_VISIT;
    countLate(metrics);
  };

  const observe = (event: PenstockEvent, timeMs: number, arrivedMs: number) => {
    if (!seen.add(event, arrivedMs, watermark.timeMs)) return addTotal(totalNames.duplicate);
    // Another producer may send null for nobody.
    const visitor = event.data.anonymousId ?? event.data.userId ?? undefined;
    observation.event = event;
    observation.timeMs = timeMs;
    observation.visitor = visitor;
    if (!watermark.observe(timeMs)) return countLateForAll();
    moveHorizon();
    counted++;
    observation.visit = undefined;
    if (visitor !== undefined) {
      const { high, low } = sipHash(visitor, seed[0], seed[1]);
      visitorKey.high = high;
      visitorKey.low = low;
      const visitMs = timeMs - (timeMs % PANE_MS);
      observation.visit = visitors.visit(visitorKey, visitMs, event.data.context?.device ?? 'other');
    }
    const behindMs = watermark.timeMs - timeMs;
    for (const { metric, add, latenessMs } of paneMetrics) {
      if (behindMs <= latenessMs) metric.observe(observation, add);
    }
    if (behindMs > shortestLatenessMs)
      countLate(metrics.filter((metric) => isPaneMetric(metric) && behindMs > metric.latenessMs));
    if (visitor !== undefined && sessionMetrics.length > 0) {
      const outcome = sessions.observe(visitorKey, timeMs, observation);
      sessionChange.apply();
      if (outcome !== 'counted') addTotal(outcome === 'full' ? totalNames.withoutSession : totalNames.revised);
    }
    if (!behaviours.observe(observation)) addTotal(totalNames.unfollowed);
    for (const { definition, newest } of eventLists) {
      const key = definition.keyOf(observation);
      if (key !== undefined) newest.offer(key, timeMs, event);
    }
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
      else {
        const secondMs = secondOf(at.enqueuedAtMs);
        const latestMs = secondMs + options.maxSkewMs;
        observation.enqueuedAtMs = at.enqueuedAtMs;
        index = -1;
        for (const element of pack) {
          index++;
          const timeMs = timeOf(element);
          if (!(timeMs >= 0)) addTotal(totalNames.malformed);
          else observe(element as PenstockEvent, timeMs > latestMs ? secondMs : timeMs, secondMs);
        }
        if (counted > 0) totals.add(TOTALS_PANE, totalNames.counted, counted, 0);
        counted = 0;
      }
      return true;
    },
    takeChanges() {
      if (position === undefined) return undefined;
      const changes: StateChanges = {
        position,
        panes: allPanes
          .map(({ description, panes }) => ({ metric: description, changes: panes.takeDirty() }))
          .filter(({ changes }) => changes.length > 0),
        lists: lists.flatMap(({ name, newest }) => {
          const entries = newest.takeDirty();
          return entries === undefined ? [] : [{ metric: name, entries }];
        }),
        totals: totals.takeDirty(),
        late: late.takeDirty(),
      };
      const nothing = changes.panes.length + changes.lists.length + changes.totals.length === 0;
      return nothing ? undefined : changes;
    },
    written(changes) {
      late.written();
      totals.written(changes.totals);
      for (const { metric, changes: paneChanges } of changes.panes) {
        const { panes, horizon } = panesOf(metric);
        panes.written(paneChanges);
        panes.evict(horizon());
      }
    },
    notWritten(changes) {
      late.markAllDirty();
      totals.notWritten(changes.totals);
      for (const { metric, changes: paneChanges } of changes.panes) panesOf(metric).panes.notWritten(paneChanges);
      for (const { name, newest } of lists) {
        if (changes.lists.some(({ metric }) => metric === name)) newest.markDirty();
      }
    },
    markAllDirty,
    outbox: behaviours.outbox,
    get remembered() {
      return seen.remembered(position?.enqueuedAtMs ?? 0);
    },
    get unwritten() {
      return allPanes.reduce((sum, { panes }) => sum + panes.unwritten, 0);
    },
    save() {
      if (position === undefined) throw new Error('nothing was applied yet');
      return {
        position,
        watermarkMs: Number.isFinite(watermark.timeMs) ? watermark.timeMs : null,
        panes: Object.fromEntries(allPanes.map(({ description, panes }) => [idOf(description), panes.entries()])),
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

  function panesOf({ name }: PaneMetricId) {
    const found = allPanes.find(({ description }) => description.name === name);
    if (found === undefined) throw new Error(`no metric ${name}`);
    return found;
  }
}

/**
 * What depends on the time of arrival is decided by its second: files of Capture know no more, and a replay of them has to
 * decide alike.
 */
const secondOf = (timeMs: number): number => timeMs - (timeMs % 1_000);

/** A definition that changed begins anew: under its new id nothing is saved. */
const idOf = ({ name, generation }: MetricDescription) => `${name}@${generation}`;
const isPaneMetric = (metric: PaneMetric | SessionMetric): metric is PaneMetric => metric.kind === 'panes';
const isSessionMetric = (metric: PaneMetric | SessionMetric): metric is SessionMetric => metric.kind === 'sessions';
