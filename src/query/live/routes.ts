import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { answer, invalidQuery, parse } from './answer.js';
import { listMetrics, readLate, readLive, readPanes } from './operations.js';
import type { LiveFiguresSource } from './source.js';

/** Most panes in one answer: a week of minutes and a little. */
const MAX_PANES = 11_000;
const MINUTE_MS = 60_000;
const PANES_MS = MAX_PANES * MINUTE_MS;

const time = z.iso
  .datetime({ offset: true, error: 'must be a time such as 2026-01-01T00:00:00Z' })
  .transform((text) => Date.parse(text));
const count = (most: number) =>
  z
    .string()
    .regex(/^\d{1,6}$/, 'expected a whole number')
    .transform(Number)
    .pipe(z.int().min(1).max(most));
const panesQuery = z
  .strictObject({
    from: time.describe('RFC 3339 with an offset; the first start.'),
    to: time.describe('Behind the last start.'),
    step: count(MAX_PANES).default(1).describe('Panes of so many minutes as one.'),
    top: count(1_000).optional().describe('The largest names of each alone.'),
  })
  .refine(({ from, to }) => from < to, '"from" must be before "to"')
  .refine(({ from, to }) => to - from <= PANES_MS, `at most ${MAX_PANES} minutes at once`);

/**
 * `GET /api/live`: the live figures. `GET /api/metrics`: the metrics in panes that the aggregators keep.
 * `GET /api/metrics/:metric?from&to`: the retained panes of one that start in [from, to), merged over the partitions;
 * with `step` those of that many minutes as one, with `top` the largest names of each alone. `GET /api/late`: totals of
 * what was counted, and of what was not because it was a duplicate, malformed, or late (with the late ones by metric), and the
 * newest entries of the late stream as `newest`.
 */
export const liveRoutes: FastifyPluginAsync<{ source: LiveFiguresSource }> = async (app, { source }) => {
  app.get('/api/live', { config: { operation: readLive } }, (_request, reply) => answer(reply, () => source.read()));
  app.get('/api/late', { config: { operation: readLate } }, (_request, reply) =>
    answer(reply, async () => {
      const [totals, newest] = await Promise.all([source.readTotals(), source.readLate()]);
      return { ...totals, newest };
    }),
  );
  app.get('/api/metrics', { config: { operation: listMetrics } }, (_request, reply) =>
    answer(reply, () => source.readCatalogue()),
  );
  const panes = { config: { operation: () => readPanes(panesQuery) } };
  app.get<{ Params: { metric: string }; Querystring: unknown }>('/api/metrics/:metric', panes, (request, reply) =>
    answer(reply, async () => {
      const { metric } = request.params;
      const { from, to, step, top } = parse('query', panesQuery, request.query);
      const panes = await source.readPanes(metric, from, to, { stepMs: step * MINUTE_MS, top });
      if (panes === undefined) throw invalidQuery('metric', 'there is none of this name; GET /api/metrics lists them');
      return { metric, panes };
    }),
  );
};
