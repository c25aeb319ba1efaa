import { z } from 'zod';
import { jsonOf, type Operation } from '../../shared/openapi.js';
import { partitionHealth } from '../../shared/partition-health.js';

export const readSystem = (): Operation => ({
  operationId: 'readSystem',
  summary: 'How far the readers of the partitions are, what was counted and what not, and how the parts are',
  responses: {
    200: jsonOf(
      'As of now. `totals` are those of `GET /api/late`.',
      z.looseObject({
        asOf: z.iso.datetime(),
        parts: z.array(z.object({ name: z.string(), state: z.enum(['good', 'warn', 'bad']), text: z.string() })),
        partitions: z
          .array(
            partitionHealth.extend({
              partition: z.string(),
              lag: z
                .number()
                .nullable()
                .describe('Hub events that are not in the figures; null where it is not known.'),
            }),
          )
          .nullable()
          .describe('Null while the figures cannot be read, as are the totals.'),
        totals: z.record(z.string(), z.number()).nullable(),
      }),
    ),
  },
});
