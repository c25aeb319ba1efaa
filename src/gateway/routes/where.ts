import type { FastifyInstance } from 'fastify';
import { comesFromThisMachine } from '../client.js';
import { sendProblem } from '../plugins/problems.js';
import { Problem } from '../problem.js';
import type { Whereabouts } from '../where.js';

/**
 * `GET /where?id=…`: what the gateway remembers of an event, for this machine alone: the gateway's address is public.
 * Elsewhere it is `/api/events/:id` on the admin port.
 */
export function addWhereRoute(app: FastifyInstance, whereIs: (id: string) => Promise<Whereabouts>): void {
  app.get('/where', async (request, reply) => {
    if (!comesFromThisMachine(request.raw)) {
      return sendProblem(reply, new Problem('PS_NOT_FOUND', 'Events go to POST /v1/events'));
    }
    const { id } = request.query as { id?: unknown };
    if (typeof id !== 'string' || id === '') return sendProblem(reply, new Problem('PS_REQUEST_INVALID', 'give ?id='));
    return reply.header('cache-control', 'no-store').send(await whereIs(id));
  });
}
