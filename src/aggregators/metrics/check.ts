import { z } from 'zod';
import { type AggregateName, aggregateNames } from '../../shared/aggregates/index.js';
import {
  type MetricDescription,
  prometheusName,
  SESSIONS_OPEN_GAUGE,
  shownPanes,
} from '../../shared/live-catalogue.js';
import { HEALTH, LATE, listMetrics, PANE_RETENTION_MS, SESSION_GAP_MS, TOTALS } from '../../shared/live-keys.js';
import { defaultAggregatorOptions } from '../options.js';
import type { Window } from './window.js';

/** Names under which there is something else in Redis. */
const taken: ReadonlySet<string> = new Set([TOTALS, HEALTH, LATE, 'catalogue']);
const lists: ReadonlySet<string> = new Set(listMetrics);

/** More panes than that are too many to be read four times a second. */
const MAX_SHOWN_PANES = 2_000;

const text = z.string().min(1);
const whole = z.int().positive();
const code = z.custom((value) => typeof value === 'function', 'expected a function');

/** Windows are whole panes: what is shown would be of a longer time than was asked for. */
const isWholePanes = ({ lastMs, paneMs }: { readonly lastMs: number; readonly paneMs: number }) =>
  lastMs % paneMs === 0;
const wholePanes = { path: ['lastMs'], message: 'expected a multiple of paneMs' };

const windowSchema = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ kind: z.literal('tumbling'), sizeMs: whole }),
    z.strictObject({ kind: z.literal('hopping'), sizeMs: whole, everyMs: whole }),
    z.strictObject({ kind: z.literal('rolling'), lastMs: whole, paneMs: whole }).refine(isWholePanes, wholePanes),
  ],
  {
    error: ({ input }) =>
      isSession(input)
        ? 'metrics of sessions are defined by defineSessionMetric'
        : 'expected a tumbling, hopping or rolling window',
  },
);
const sessionWindowSchema = z
  .strictObject({
    kind: z.literal('session', 'expected session(last, pane)'),
    gapMs: z.literal(SESSION_GAP_MS, 'a session ends after 30 minutes, whatever the metric'),
    ...{ lastMs: whole, paneMs: whole },
  })
  .refine(isWholePanes, wholePanes);

const isSession = (window: unknown) => (window as Partial<Window>).kind === 'session';

const common = {
  // A part of keys with a hash tag, of paths, and of names in Prometheus.
  name: z
    .string()
    .regex(/^[A-Za-z]\w{0,63}$/, 'expected a letter, and up to 63 letters, digits and _')
    .refine((name) => !taken.has(name) && !lists.has(name), 'is the name of something else'),
  ...{ help: text, unit: text },
  filter: code.optional(),
  emit: z.strictObject({ windows: whole.optional(), top: whole.optional() }).optional(),
  version: z.int().optional(),
};

const aggregate = z.enum(aggregateNames).optional();

interface Aggregated {
  readonly aggregate?: AggregateName | undefined;
  readonly value?: unknown;
}

/** Every aggregate but a count looks at a value. */
const looksAtValue = ({ aggregate = 'count', value }: Aggregated) => value !== undefined || aggregate === 'count';
const countsNoValue = ({ aggregate = 'count', value }: Aggregated) => value === undefined || aggregate !== 'count';
const nothingToLookAt = { path: ['value'], message: 'this aggregate has nothing to look at without it' };
const countLooksAtNone = { path: ['value'], message: 'a count looks at none' };

const metricSchema = z
  .strictObject({
    ...common,
    window: windowSchema,
    ...{ key: code.optional(), value: code.optional(), aggregate },
    latenessMs: z.number().min(0).max(defaultAggregatorOptions.allowedLatenessMs).optional(),
  })
  .refine(looksAtValue, nothingToLookAt)
  .refine(countsNoValue, countLooksAtNone);

const eachSchema = z.union(
  [
    z.literal('durationMs'),
    z.strictObject({ marks: code }),
    z.strictObject({ aggregate: z.literal('count') }),
    z.strictObject({ aggregate: z.enum(aggregateNames).exclude(['count']), value: code }),
  ],
  "expected 'durationMs', { aggregate, value }, of which a count has no value, or { marks }",
);
/** Of these a session has more than one number or text. */
const composed: ReadonlySet<AggregateName> = new Set(['top', 'quantiles']);
const composedEach = (each: z.infer<typeof eachSchema> | undefined) =>
  typeof each === 'object' && 'aggregate' in each && composed.has(each.aggregate);
const looksAtEvents = (each: z.infer<typeof eachSchema> | undefined) => typeof each === 'object';

const sessionMetricSchema = z
  .strictObject({
    ...common,
    window: sessionWindowSchema,
    each: eachSchema.optional(),
    ...{ key: code.optional(), value: code.optional(), aggregate },
  })
  .refine(countsNoValue, countLooksAtNone)
  .refine(({ aggregate = 'count', each }) => each !== undefined || aggregate === 'count', {
    path: ['each'],
    message: 'this aggregate has nothing to look at without it',
  })
  .refine(
    ({ aggregate = 'count', each, value }) => aggregate === 'count' || value !== undefined || !composedEach(each),
    {
      path: ['value'],
      message: 'what is made of each session is no number or text, of which one has to be chosen',
    },
  )
  .refine(({ filter, each }) => filter === undefined || looksAtEvents(each), {
    path: ['filter'],
    message: 'nothing looks at events, which `each` would do',
  });

/** What is wrong with a definition stops the start, and names the metric and the field. */
export const checkMetric = (definition: Named): void => check(metricSchema, definition);
export const checkSessionMetric = (definition: Named): void => check(sessionMetricSchema, definition);

interface Named {
  readonly name: string;
}

function check(schema: z.ZodType, definition: Named): void {
  const { error } = schema.safeParse(definition);
  const [issue] = error?.issues ?? [];
  if (issue) throw wrong(definition.name, issue.path.join('.') || 'definition', issue.message);
}

/** What a window asks for has to be there to read, and to be read while somebody watches. */
export function checkLayout(description: MetricDescription): void {
  const panes = shownPanes(description);
  if (panes > MAX_SHOWN_PANES)
    throw wrong(description.name, 'window', `${panes} panes would be shown, at most ${MAX_SHOWN_PANES} can be`);
  if ((panes - 1) * description.paneMs > PANE_RETENTION_MS)
    throw wrong(description.name, 'window', 'looks back longer than panes are retained, 8 days');
}

/** Figures of one name would be one, in Redis and on the page, or, where only the spelling differs, in Prometheus. */
export function checkNames(names: readonly string[]): void {
  const known = new Map([[SESSIONS_OPEN_GAUGE, 'the gauge of the sessions that are open']]);
  for (const name of names) {
    const inPrometheus = prometheusName(name);
    const other = known.get(inPrometheus);
    if (other !== undefined) throw wrong(name, 'name', `is ${inPrometheus} in Prometheus, as is ${other}`);
    known.set(inPrometheus, JSON.stringify(name));
  }
}

const wrong = (name: string, field: string, message: string) =>
  new TypeError(`metric ${JSON.stringify(name)}: ${field}: ${message}`);
