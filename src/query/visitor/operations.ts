import { z } from 'zod';
import { jsonOf, type Operation, problemOf, queryOf } from '../../shared/openapi.js';
import type { RecentEvents } from './recent-events.js';

const recentEvents = z.looseObject({
  events: z.array(
    z.looseObject({
      ...{ id: z.string(), type: z.string(), time: z.string(), source: z.string() },
      path: z.string().exactOptional(),
    }),
  ),
  minutes: z.number().describe('How far back was looked.'),
  complete: z.boolean().describe('False when there was more to read than there was time for.'),
}) satisfies z.ZodType<RecentEvents>;

export const readVisitor = (query: z.ZodType): Operation => ({
  operationId: 'readVisitor',
  summary: 'The newest events of one visitor in the last hour, read from the hub',
  parameters: queryOf(query),
  responses: {
    200: jsonOf('Newest first, at most 100.', recentEvents),
    400: problemOf('The parameter is wrong.'),
    503: problemOf('The hub cannot be read now, or two others are reading it.'),
  },
});
