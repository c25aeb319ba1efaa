import type { FastifyPluginAsync, FastifyReply } from 'fastify';
import { z } from 'zod';
import { messageOf, PenstockError } from '../../shared/errors.js';
import { QueryError } from '../errors.js';
import type { LiveFiguresSource } from './source.js';

/** Most panes in one answer: a week of minutes and a little. */
const MAX_PANES = 11_000;
const PANES_MS = MAX_PANES * 60_000;

const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const panesQuery = z
  .strictObject({ from: time, to: time })
  .refine(({ from, to }) => from < to, '"from" must be before "to"')
  .refine(({ from, to }) => to - from <= PANES_MS, `at most ${MAX_PANES} minutes at once`);

/**
 * `GET /api/live`: the live figures. `GET /api/metrics`: the metrics in panes that the aggregators keep.
 * `GET /api/metrics/:metric?from&to`: the retained panes of one that start in [from, to), merged over the partitions. `GET /api/late`: totals of
 * what was counted, and of what was not because it was a duplicate, malformed, or late (with the late ones by metric).
 */
export const liveRoutes: FastifyPluginAsync<{ source: LiveFiguresSource }> = async (app, { source }) => {
  app.get('/api/live', (_request, reply) => answer(reply, () => source.read()));
  app.get('/api/late', (_request, reply) => answer(reply, () => source.readTotals()));
  app.get('/api/metrics', (_request, reply) => answer(reply, () => source.readCatalogue()));
  app.get<{ Params: { metric: string }; Querystring: unknown }>('/api/metrics/:metric', (request, reply) =>
    answer(reply, async () => {
      const { metric } = request.params;
      const { from, to } = parse('query', panesQuery, request.query);
      const panes = await source.readPanes(metric, from, to);
      if (panes === undefined) throw invalidQuery('metric', 'there is none of this name; GET /api/metrics lists them');
      return { metric, panes };
    }),
  );
};

function parse<T>(what: string, schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = [what, ...(issue?.path ?? [])].join('.');
  throw invalidQuery(path, issue?.message ?? 'invalid');
}

const invalidQuery = (path: string, what: string) =>
  new QueryError('PS_QUERY_INVALID', `${path}: ${what}`, { facts: { path } });

async function answer(reply: FastifyReply, produce: () => Promise<unknown>): Promise<unknown> {
  try {
    const value = await produce();
    reply.header('cache-control', 'no-store');
    return value;
  } catch (error) {
    if (!(error instanceof PenstockError)) throw error;
    const invalid = error.code === 'PS_QUERY_INVALID';
    const status = invalid ? 400 : 503;
    return reply
      .code(status)
      .type('application/problem+json')
      .send({
        type: 'about:blank',
        title: invalid ? 'Invalid query' : 'Figures unavailable',
        status,
        code: error.code,
        detail: invalid ? messageOf(error) : 'the live figures cannot be read at the moment',
      });
  }
}
