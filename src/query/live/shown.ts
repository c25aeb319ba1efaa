import { type AggregateResult, aggregateOf } from '../../shared/aggregates/index.js';
import type { ShownMetric } from '../../shared/live.js';
import { type MetricDescription, shownPanes } from '../../shared/live-catalogue.js';
import { revised } from './revised.js';
import type { Pane } from './store.js';

type Panes = ReadonlyMap<number, Pick<Pane, 'values'> & Partial<Pick<Pane, 'revision'>>>;

/** Starts of the panes that are shown as of `nowMs`, the current one last. */
export function shownStarts(metric: MetricDescription, nowMs: number): number[] {
  const { paneMs } = metric;
  const count = shownPanes(metric);
  const currentMs = nowMs - (nowMs % paneMs);
  return Array.from({ length: count }, (_, index) => currentMs - (count - 1 - index) * paneMs);
}

/** A metric as it is shown: the figure over the time that it looks back, and the windows before now, oldest first. */
export function shownMetric(metric: MetricDescription, panes: Panes, nowMs: number): ShownMetric {
  const { paneMs, stepPanes, windowPanes, seriesWindows, figurePanes, aggregate } = metric;
  const { result } = aggregateOf(aggregate);
  // Windows begin at whole multiples of their step; the newest is the last one that does not reach beyond now.
  const stepMs = stepPanes * paneMs;
  const currentMs = nowMs - (nowMs % paneMs);
  const lengthMs = (windowPanes - 1) * paneMs;
  const newestMs = Math.floor((currentMs - lengthMs) / stepMs) * stepMs + lengthMs;
  const merged = mergePanes(metric, panes, newestMs, figurePanes);
  const results = (states: Iterable<readonly [string, unknown]>) =>
    largest(
      Array.from(states, ([key, state]) => [key, result(state)] as const),
      metric.top,
    );
  const ranked = results(merged);
  // Where the figure looks back over less than the series, there are names in the series that are not in the figure.
  const looksOverAll = figurePanes >= windowPanes + (seriesWindows - 1) * stepPanes;
  const keys = looksOverAll ? new Set(ranked.map(([key]) => key)) : undefined;
  const series = Array.from({ length: seriesWindows }, (_, index) => {
    const lastPaneMs = newestMs - (seriesWindows - 1 - index) * stepMs;
    const states = mergePanes(metric, panes, lastPaneMs, windowPanes);
    const shown = results(keys === undefined ? states : [...states].filter(([key]) => keys.has(key)));
    return {
      start: new Date(lastPaneMs - lengthMs).toISOString(),
      values: Object.fromEntries(shown),
      ...revised(revisionOf(metric, panes, lastPaneMs)),
    };
  });
  return {
    help: metric.help,
    unit: metric.unit,
    aggregate,
    windowMs: figurePanes * paneMs,
    values: ranked.map(([key, value]) => ({ key, value })),
    series: seriesWindows === 1 ? [] : series,
  };
}

/** The states of `count` panes up to the one that starts at `lastPaneMs`, by name. */
function mergePanes(metric: MetricDescription, panes: Panes, lastPaneMs: number, count: number) {
  const { merge } = aggregateOf(metric.aggregate);
  const merged = new Map<string, unknown>();
  for (let at = 0; at < count; at++) {
    for (const [key, state] of panes.get(lastPaneMs - at * metric.paneMs)?.values ?? []) {
      const known = merged.get(key);
      merged.set(key, known === undefined ? state : merge(known, state));
    }
  }
  return merged;
}

/** How often something was taken back in the panes of a window. */
function revisionOf({ paneMs, windowPanes }: MetricDescription, panes: Panes, lastPaneMs: number): number {
  let revision = 0;
  for (let at = 0; at < windowPanes; at++) revision += panes.get(lastPaneMs - at * paneMs)?.revision ?? 0;
  return revision;
}

type Entry = readonly [key: string, value: AggregateResult];

/** The `count` largest, in that order. */
export const largest = (entries: readonly Entry[], count: number): Entry[] =>
  entries.toSorted(([keyA, a], [keyB, b]) => rankOf(b) - rankOf(a) || (keyA < keyB ? -1 : 1)).slice(0, count);

/** By what names compete for the places that are shown. */
function rankOf(value: AggregateResult): number {
  if (typeof value === 'number') return value;
  if (value === null || typeof value === 'string') return 0;
  return 'count' in value ? value.count : value.reduce((sum, { count }) => sum + count, 0);
}
