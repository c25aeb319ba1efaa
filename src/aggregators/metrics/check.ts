import { z } from 'zod';
import { aggregateNames, takesText } from '../../shared/aggregates/index.js';
import {
  type MetricDescription,
  prometheusName,
  SESSIONS_OPEN_GAUGE,
  shownPanes,
} from '../../shared/live-catalogue.js';
import { HEALTH, LATE, listMetrics, PANE_RETENTION_MS, TOTALS } from '../../shared/live-keys.js';
import { defaultAggregatorOptions } from '../options.js';

/** Names under which there is something else in Redis. */
const taken: ReadonlySet<string> = new Set([TOTALS, HEALTH, LATE, 'catalogue']);
const lists: ReadonlySet<string> = new Set(listMetrics);

/** More panes than that are too many to be read four times a second. */
const MAX_SHOWN_PANES = 2_000;

const text = z.string().min(1);
const whole = z.int().positive();
const windowSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('tumbling'), sizeMs: whole }),
  z.strictObject({ kind: z.literal('hopping'), sizeMs: whole, everyMs: whole }),
  z.strictObject({ kind: z.literal('rolling'), lastMs: whole, paneMs: whole }),
  z.strictObject({ kind: z.literal('session'), gapMs: whole, lastMs: whole, paneMs: whole }),
]);
const code = z.custom((value) => typeof value === 'function', 'expected a function');

const definitionSchema = z
  .strictObject({
    // A part of keys with a hash tag, of paths, and of names in Prometheus.
    name: z
      .string()
      .regex(/^[A-Za-z]\w{0,63}$/, 'expected a letter, and up to 63 letters, digits and _')
      .refine((name) => !taken.has(name) && !lists.has(name), 'is the name of something else'),
    ...{ help: text, unit: text, window: windowSchema },
    ...{ filter: code.optional(), key: code.optional(), value: code.optional() },
    ...{ marks: code.optional(), names: code.optional() },
    aggregate: z.enum(aggregateNames).optional(),
    latenessMs: z.number().min(0).max(defaultAggregatorOptions.allowedLatenessMs).optional(),
    emit: z.strictObject({ windows: whole.optional(), top: whole.optional() }).optional(),
    version: z.int().optional(),
  })
  .refine(({ aggregate = 'count', value }) => value !== undefined || !takesText(aggregate), {
    path: ['value'],
    message: 'this aggregate has nothing to look at without it',
  });

/** What is wrong with a definition stops the start, and names the metric and the field. */
export function checkDefinition(definition: { readonly name: string }): void {
  const { error } = definitionSchema.safeParse(definition);
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
