import { aggregateOf } from '../../shared/aggregates/index.js';
import type { MetricDescription } from '../../shared/live-catalogue.js';
import type { Count, Observation, PaneMetric } from '../metrics/define.js';
import type { NameBounds } from '../windows/name-room.js';
import { addOnly, type PaneAggregate } from '../windows/pane-aggregate.js';
import { createPanes, type Panes } from '../windows/panes.js';
import type { Horizon } from './horizon.js';
import { idOf, type SavedState } from './saved.js';

/** The panes of one metric. */
export interface MetricPanes {
  /** What they are saved under. */
  readonly id: string;
  readonly description: MetricDescription;
  readonly panes: Panes;
  /** Those that start before it are forgotten as soon as they are written. */
  keptFromMs(): number;
}

/** What the panes of all metrics are made with. */
export interface PanesParts {
  readonly names: NameBounds;
  readonly horizon: Horizon;
  readonly saved: SavedState['panes'] | undefined;
}

export const openPanes = (
  aggregate: PaneAggregate,
  description: MetricDescription,
  { names, saved }: PanesParts,
): Panes => createPanes(aggregate, names, saved?.[idOf(description)]);

/** The metrics that count each event by itself. */
export interface PaneMetrics {
  readonly panes: readonly MetricPanes[];
  /** Counts the event, so far behind the watermark, in all but those that it is too late for. */
  observe(behindMs: number): void;
  /** Those that it is too late for. */
  missedBy(behindMs: number): readonly PaneMetric[];
}

const NONE: readonly PaneMetric[] = [];

/** @param observation what each event is looked at as, one after the other */
export function createPaneMetrics(
  metrics: readonly PaneMetric[],
  observation: Observation,
  parts: PanesParts,
): PaneMetrics {
  const counted = metrics.map((metric) => {
    const { description, latenessMs } = metric;
    const { paneMs } = description;
    const panes = openPanes(addOnly(aggregateOf(description.aggregate)), description, parts);
    const add: Count = (name, input = 1, startMs = observation.timeMs - (observation.timeMs % paneMs)) =>
      panes.add(startMs, name, input, observation.timeMs);
    const keptFromMs = () => parts.horizon.keptFromMs(description);
    return { id: idOf(description), metric, description, panes, add, latenessMs, keptFromMs };
  });
  const shortestLatenessMs = Math.min(...metrics.map(({ latenessMs }) => latenessMs));
  return {
    panes: counted,
    observe(behindMs) {
      for (const { metric, add, latenessMs } of counted) {
        if (behindMs <= latenessMs) metric.observe(observation, add);
      }
    },
    missedBy: (behindMs) =>
      behindMs > shortestLatenessMs ? metrics.filter(({ latenessMs }) => behindMs > latenessMs) : NONE,
  };
}
