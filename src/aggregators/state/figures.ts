import type { BehaviourDefinition } from '../../shared/config/index.js';
import { type Behaviours, createBehaviours, defaultBehaviourOptions, TRANSITIONS } from '../behaviour/behaviours.js';
import type { ListMetricDefinition, Observation, PaneMetric } from '../metrics/define.js';
import type { SessionMetric } from '../metrics/define-session.js';
import type { AggregatorOptions } from '../options.js';
import { createNewest } from '../windows/newest.js';
import type { ShownParts } from './changes.js';
import { guarded } from './guarded.js';
import { createHorizon } from './horizon.js';
import type { Seed } from './id-history.js';
import { createLateEvents } from './late.js';
import { createLateCounting, type LatePlace } from './late-counting.js';
import { createOtherPanes } from './other-panes.js';
import { createPaneMetrics } from './pane-metrics.js';
import type { SavedState } from './saved.js';
import { createSessionMetrics } from './session-metrics.js';
import { totalNames } from './total-names.js';
import type { Totals } from './totals.js';
import { createVisits } from './visits.js';

/** What is made of the events of a partition: its metrics, the sessions and visitors behind them, and behaviours. */
export interface Figures {
  /** Counts the observed event, so far behind the watermark and at its place in the hub. */
  count(behindMs: number, sequenceNumber: number, index: number): void;
  /** The observed event is too late for all of it. */
  countLate(place: LatePlace): void;
  /** What starts before is settled: it is kept for as long as it is shown, and no longer. */
  settle(horizonMs: number): void;
  readonly shown: ShownParts;
  /** Offers on their way to the topic. */
  readonly outbox: Behaviours['outbox'];
  save(): SavedFigures;
}

type SavedFigures = Pick<SavedState, 'panes' | 'lists' | 'totals' | 'late' | 'visitors' | 'sessions' | 'behaviours'>;

/** What figures are made of. */
export interface FiguresParts {
  readonly metrics: readonly (PaneMetric | SessionMetric)[];
  readonly listMetrics: readonly ListMetricDefinition[];
  /** By default none. */
  readonly behaviours?: readonly BehaviourDefinition[];
  /** Told when the code of a metric throws; the event counts in the others. */
  readonly onFailure?: (metric: string, error: unknown) => void;
  /** Keys the hashes of visitors. */
  readonly seed: Seed;
}

interface Surroundings {
  /** What each event is looked at as, one after the other. */
  readonly observation: Observation;
  readonly totals: Totals;
  readonly saved: SavedState | undefined;
}

export function createFigures(
  options: AggregatorOptions,
  parts: FiguresParts,
  { observation, totals, saved }: Surroundings,
): Figures {
  const metrics = parts.metrics.map((metric) =>
    guarded(metric, (name, error) => {
      totals.add(`${totalNames.failed}:${name}`);
      parts.onFailure?.(name, error);
    }),
  );
  const horizon = createHorizon(options.allowedLatenessMs);
  const visits = createVisits(options, parts.seed, saved?.visitors);
  const panesParts = { names: options.names, horizon, saved: saved?.panes };
  const paneMetrics = createPaneMetrics(metrics.filter(isPaneMetric), observation, panesParts);
  const sessions = createSessionMetrics(
    metrics.filter(isSessionMetric),
    { ...panesParts, sessions: options.sessions },
    saved?.sessions,
  );
  const late = createLateEvents(saved?.late);
  const lateCounting = createLateCounting(metrics, late, totals.add);
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
  const otherPanes = createOtherPanes(
    allPanes.map(({ id }) => id),
    saved,
  );

  return {
    count(behindMs, sequenceNumber, index) {
      const { visitor } = observation;
      const key = visitor === undefined ? undefined : visits.note(visitor, observation);
      paneMetrics.observe(behindMs);
      const missed = paneMetrics.missedBy(behindMs);
      if (missed.length > 0) lateCounting.countFor(missed, observation, { sequenceNumber, index, behindMs });
      if (key !== undefined) {
        const outcome = sessions.observe(key, observation);
        if (outcome !== 'counted') totals.add(outcome === 'full' ? totalNames.withoutSession : totalNames.revised);
      }
      if (!behaviours.observe(observation)) totals.add(totalNames.unfollowed);
      for (const { definition, newest } of eventLists) {
        const listed = definition.keyOf(observation);
        if (listed !== undefined) newest.offer(listed, observation.timeMs, observation.event);
      }
    },
    countLate: (place) => lateCounting.countForAll(observation, place),
    settle(horizonMs) {
      if (!horizon.moveTo(horizonMs)) return;
      visits.evict(horizon.ms);
      sessions.evict(horizon.ms);
      behaviours.evict(horizon.ms);
      for (const { panes, keptFromMs } of allPanes) panes.evict(keptFromMs());
    },
    shown: { panes: allPanes, lists, totals: totals.panes, late },
    outbox: behaviours.outbox,
    save: () => ({
      panes: {
        // A wide pane may change for longer than its start tells, and how wide these are nobody knows here.
        ...otherPanes.save(horizon.ms - options.allowedLatenessMs),
        ...Object.fromEntries(allPanes.map(({ id, panes }) => [id, panes.entries()])),
      },
      lists: Object.fromEntries(lists.map(({ name, newest }) => [name, newest.list()])),
      totals: totals.panes.entries(),
      late: late.entries(),
      visitors: visits.save(),
      sessions: sessions.save(),
      behaviours: behaviours.save(),
    }),
  };
}

const isPaneMetric = (metric: PaneMetric | SessionMetric): metric is PaneMetric => metric.kind === 'panes';
const isSessionMetric = (metric: PaneMetric | SessionMetric): metric is SessionMetric => metric.kind === 'sessions';
