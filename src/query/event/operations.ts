import { z } from 'zod';
import { jsonOf, type Operation, pathParameter, problemOf } from '../../shared/openapi.js';
import { whereaboutsSchema } from './whereabouts.js';

const position = z.union([
  z.enum(['not_found', 'unfinished', 'unavailable']),
  z.object({ partition: z.string(), sequenceNumber: z.int(), index: z.int(), enqueuedAt: z.iso.datetime() }),
]);

const { shape } = whereaboutsSchema;

export const findEvent = (): Operation => ({
  operationId: 'findEvent',
  summary: 'Where an event is, and what became of it',
  parameters: [pathParameter('id', "The event's id, or an order's key such as `purchase:T-1001`.")],
  responses: {
    200: jsonOf(
      'The newest outcome first.',
      whereaboutsSchema.extend({
        id: z.string(),
        outcomes: z.array(shape.outcomes.element.extend({ position: position.optional() })),
      }),
    ),
    400: problemOf('The id is empty, or cannot be read.'),
    414: problemOf('The id is longer than an id may be.'),
    404: problemOf('Nothing is known of it; the detail says how far back is remembered.'),
    503: problemOf('The gateway does not answer.'),
  },
});
