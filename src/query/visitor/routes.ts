import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import type { HubReader } from '../../messaging/index.js';
import type { Clock } from '../../shared/clock.js';
import { messageOf } from '../../shared/errors.js';
import { QueryError } from '../errors.js';
import { answer, parse } from '../live/answer.js';
import { readVisitor } from './operations.js';
import { recentEvents } from './recent-events.js';

/** Readings of the hub at once: each may pull an hour of events. */
const MAX_READINGS = 2;

const visitorQuery = z.strictObject({
  id: z.string().min(1).max(1024).describe('An `anonymousId` or a `userId`.'),
});

export interface VisitorRoutesOptions {
  /** A connection of its own for each reading. */
  readonly openReader: () => Promise<HubReader>;
  readonly clock: Clock;
}

/** `GET /api/visitors/events?id=…`: the newest events of one visitor in the last hour, read from the hub. */
export const visitorRoutes: FastifyPluginAsync<VisitorRoutesOptions> = async (app, { openReader, clock }) => {
  let readings = 0;
  app.get('/api/visitors/events', { config: { operation: () => readVisitor(visitorQuery) } }, (request, reply) =>
    answer(reply, async () => {
      const { id } = parse('query', visitorQuery, request.query);
      if (readings >= MAX_READINGS) throw new QueryError('PS_QUERY_UNAVAILABLE', 'others are reading the hub');
      readings++;
      try {
        const reader = await openReader();
        return await recentEvents(reader, id, clock).finally(() => reader.close());
      } catch (cause) {
        request.log.warn({ err: cause }, 'the events of a visitor cannot be read');
        throw new QueryError('PS_QUERY_UNAVAILABLE', `the hub cannot be read: ${messageOf(cause)}`, { cause });
      } finally {
        readings--;
      }
    }),
  );
};
