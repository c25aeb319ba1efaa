import { z } from 'zod';
import { type AggregateResult, aggregateNames } from '../../shared/aggregates/index.js';
import type { ShownLateEvent } from '../../shared/late-events.js';
import type { LiveFigures } from '../../shared/live.js';
import { metricDescription } from '../../shared/live-catalogue.js';
import { jsonOf, type Operation, pathParameter, problemOf, queryOf } from '../../shared/openapi.js';

const time = z.iso.datetime();
const count = z.int().min(0);
const revision = count.exactOptional().describe('How often something was taken back; left out where nothing was.');

const percentile = z.number().nullable();
const result = z.union([
  z.number(),
  z.string(),
  z.null(),
  z.array(z.object({ name: z.string(), count: z.number(), error: z.number() })).describe('Of `top`.'),
  z.object({ count, p50: percentile, p95: percentile, p99: percentile }).describe('Of `quantiles`.'),
]) satisfies z.ZodType<AggregateResult>;
const values = z.record(z.string(), result);

const shownMetric = z.looseObject({
  help: z.string(),
  unit: z.string(),
  aggregate: z.enum(aggregateNames),
  windowMs: count.describe('`values` are of this long up to now.'),
  values: z.array(z.looseObject({ key: z.string(), value: result })).describe('Largest first.'),
  series: z.array(z.looseObject({ start: time, values, revision })).describe('Windows, oldest first.'),
});

/** As LiveFigures has it; more fields may come. */
const liveFigures = z.looseObject({
  asOf: time,
  visitors: z.looseObject({
    total: count.describe('Distinct visitors of the last 15 minutes.'),
    series: z.array(z.looseObject({ start: time, visitors: count, pageViews: count })).describe('15 minutes.'),
  }),
  sessions: z.looseObject({
    open: count,
    series: z.array(z.looseObject({ start: time, sessions: count, revision })).describe('16 half hours.'),
  }),
  devices: z.looseObject({ total: count, byType: z.record(z.string(), count) }),
  pages: z.array(z.looseObject({ path: z.string(), views: count })),
  categories: z.array(z.looseObject({ category: z.string(), views: count })),
  visitorsLatest: z.array(
    z.looseObject({
      time,
      anonymousId: z.string(),
      ip: z.string().exactOptional(),
      country: z.string().exactOptional(),
    }),
  ),
  offers: z.array(
    z.looseObject({
      ...{ time, anonymousId: z.string(), behaviour: z.string(), from: z.string(), to: z.string() },
      offer: z.string().exactOptional(),
    }),
  ),
  events: z.array(
    z.looseObject({
      ...{ id: z.string(), type: z.string(), time, source: z.string() },
      ...{ subject: z.string().exactOptional(), path: z.string().exactOptional() },
    }),
  ),
  metrics: z.record(z.string(), shownMetric).describe('Every further metric, by name.'),
}) satisfies z.ZodType<LiveFigures>;

const lateEvent = z.looseObject({
  ...{ partition: z.string(), sequenceNumber: count, index: count },
  ...{ id: z.string(), type: z.string(), time, enqueuedAt: time, behindMs: z.number() },
  metrics: z.record(z.string(), z.string()).describe('What would have counted it: the start of the pane, by metric.'),
}) satisfies z.ZodType<ShownLateEvent>;

const unavailable = problemOf('The figures cannot be read now.');

export const readLive = (): Operation => ({
  operationId: 'readLive',
  summary: 'The live figures',
  responses: { 200: jsonOf('All figures of the dashboard as of now.', liveFigures), 503: unavailable },
});

export const readLate = (): Operation => ({
  operationId: 'readLate',
  summary: 'What was counted, what was not and why, and the newest late events',
  responses: {
    200: jsonOf(
      'Totals by name since the state began, and `newest`, at most 100 entries of the late stream.',
      z.object({ newest: z.array(lateEvent) }).catchall(z.number()),
    ),
    503: unavailable,
  },
});

export const listMetrics = (): Operation => ({
  operationId: 'listMetrics',
  summary: 'The metrics that the aggregators keep in panes',
  responses: { 200: jsonOf('Each with its definition.', z.array(metricDescription)), 503: unavailable },
});

export const readPanes = (query: z.ZodType): Operation => ({
  operationId: 'readPanes',
  summary: 'The retained panes of a metric that start in a time',
  parameters: [pathParameter('metric', 'One of those that `GET /api/metrics` lists.'), ...queryOf(query)],
  responses: {
    200: jsonOf(
      'Oldest first; panes in which nothing was counted are left out.',
      z.object({ metric: z.string(), panes: z.array(z.looseObject({ start: time, values, revision })) }),
    ),
    400: problemOf('A parameter is wrong, or there is no such metric.'),
    414: problemOf('The name is longer than a name may be.'),
    503: unavailable,
  },
});
