import { z } from 'zod';
import { aggregateNames } from './aggregates/index.js';

/**
 * What the aggregators keep, as they announce it in Redis: a reader needs no more than this to read a metric, merge its
 * panes and show it. So a new metric is known to the API as soon as an aggregator runs that keeps it.
 */
export const metricDescription = z.object({
  name: z.string(),
  /** Changes with the definition, so that figures of different definitions are never under one key. */
  generation: z.string(),
  help: z.string(),
  unit: z.string(),
  aggregate: z.enum(aggregateNames),
  paneMs: z.int().positive(),
  /** Panes that one window is merged from: more than `stepPanes` where windows overlap. */
  windowPanes: z.int().positive(),
  /** Panes from the start of one window to that of the next. */
  stepPanes: z.int().positive(),
  /** Windows in the series that is shown. */
  seriesWindows: z.int().positive(),
  /** Panes that the figure beside the series is merged from. */
  figurePanes: z.int().positive(),
  /** Most names that are shown. */
  top: z.int().positive(),
});

export type MetricDescription = z.infer<typeof metricDescription>;

/** Panes, the current one included, that the figure and the series are made from. */
export function shownPanes(metric: MetricDescription): number {
  const { seriesWindows, stepPanes, windowPanes, figurePanes } = metric;
  return Math.max(figurePanes, windowPanes + (seriesWindows - 1) * stepPanes + (stepPanes - 1));
}

/** The name of a metric in Prometheus: `ingestionDelay` is `ingestion_delay`; what is allowed in no name becomes `_`. */
export const prometheusName = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace(/[^a-z0-9_]/g, '_');

/** Gauges of the live figures that are no metric of their own, beside those of the metrics. */
export const SESSIONS_OPEN_GAUGE = 'sessions_open';
