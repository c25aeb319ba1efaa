import type { AggregateName, AggregateResult } from '../../shared/aggregates/index.js';
import type { ShownMetric } from '../../shared/live.js';
import { fetchPanes, type Look, type Pane, type Range, type Span, spanOf } from './range.js';

const MINUTE_MS = 60_000;

/** A metric in panes, as `GET /api/metrics` tells of it. */
export interface RangeMetric {
  readonly name: string;
  readonly help: string;
  readonly unit: string;
  readonly aggregate: AggregateName;
  readonly paneMs: number;
  readonly seriesWindows: number;
  readonly top: number;
}

/** The metrics that can be looked back at, by name. */
export async function fetchCatalogue(signal: AbortSignal): Promise<ReadonlyMap<string, RangeMetric>> {
  const response = await fetch('api/metrics', { signal });
  if (!response.ok) throw new Error(`status ${response.status}`);
  const metrics = (await response.json()) as readonly RangeMetric[];
  return new Map(metrics.map((metric) => [metric.name, metric]));
}

/** The steps of a range for a metric: whole panes, and whole minutes. */
export function stepMinutesOf({ stepMinutes }: Range, { paneMs }: Pick<RangeMetric, 'paneMs'>): number {
  let stepMs = Math.ceil((stepMinutes * MINUTE_MS) / paneMs) * paneMs;
  while (stepMs % MINUTE_MS !== 0) stepMs += paneMs;
  return stepMs / MINUTE_MS;
}

/** A metric over a range as the live figures have it over their own time: its figure, and if it is a series its steps. */
export async function fetchMetric(
  metric: RangeMetric,
  { range, nowMs, signal }: Look,
): Promise<{ readonly shown: ShownMetric; readonly stepMinutes: number }> {
  const stepMinutes = stepMinutesOf(range, metric);
  // A range shorter than a step is a step.
  const minutes = Math.ceil(range.minutes / stepMinutes) * stepMinutes;
  const span = spanOf({ ...range, minutes, stepMinutes }, nowMs);
  const isSeries = metric.seriesWindows > 1;
  const [whole, steps] = await Promise.all([
    fetchPanes(metric.name, span, { stepMinutes: minutes, top: metric.top, signal }),
    isSeries ? fetchPanes(metric.name, span, { stepMinutes, top: metric.top, signal }) : [],
  ]);
  const { help, unit, aggregate } = metric;
  const values = ranked(whole[0]?.values ?? {});
  const series = isSeries ? stepsOf(steps, span) : [];
  return { shown: { help, unit, aggregate, windowMs: minutes * MINUTE_MS, values, series }, stepMinutes };
}

type Values = Readonly<Record<string, AggregateResult>>;

/** Numbers by size; what is no number has no order but that of its name. */
function ranked(values: Values): ShownMetric['values'] {
  const rank = (value: AggregateResult) => (typeof value === 'number' ? value : 0);
  return Object.entries(values)
    .map(([key, value]) => ({ key, value }))
    .sort((a, b) => rank(b.value) - rank(a.value) || (a.key < b.key ? -1 : 1));
}

function stepsOf(panes: readonly Pane<AggregateResult>[], { fromMs, toMs, stepMs }: Span): ShownMetric['series'] {
  const byStart = new Map(panes.map((pane) => [Date.parse(pane.start), pane]));
  return Array.from({ length: Math.round((toMs - fromMs) / stepMs) }, (_, index) => {
    const startMs = fromMs + index * stepMs;
    return byStart.get(startMs) ?? { start: new Date(startMs).toISOString(), values: {} };
  });
}
