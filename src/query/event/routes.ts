import type { FastifyPluginAsync } from 'fastify';
import type { HubReader } from '../../messaging/index.js';
import type { Clock } from '../../shared/clock.js';
import { messageOf } from '../../shared/errors.js';
import { QueryError } from '../errors.js';
import { answer, invalidQuery } from '../live/answer.js';
import { findEvent } from './operations.js';
import { findPosition } from './position.js';
import { type Whereabouts, whereaboutsSchema } from './whereabouts.js';

export interface EventRoutesOptions {
  /** Asks the gateway; undefined where none is known. */
  readonly ask: (id: string) => Promise<unknown>;
  /** The hub that `openReader` reads, such as `hub:clicks`. */
  readonly hub: string;
  /** A connection of its own for each reading. */
  readonly openReader: (() => Promise<HubReader>) | undefined;
  readonly clock: Clock;
}

/** Readings of the hub at once: each may pull what came within a minute. */
const MAX_READINGS = 2;

/** `GET /api/events/:id`: where an event is, as the gateway remembers it and its hub holds it. */
export const eventRoutes: FastifyPluginAsync<EventRoutesOptions> = async (app, { ask, hub, openReader, clock }) => {
  let readings = 0;

  async function positionOf(one: Whereabouts['outcomes'][number]) {
    const { eventId: id, outcome, destination, partition, spool, source } = one;
    if (outcome !== 'accepted' || destination !== hub || partition === undefined || openReader === undefined) return {};
    if (id === undefined || (spool !== undefined && spool !== 'delivered')) return {};
    if (readings >= MAX_READINGS) return { position: 'unavailable' };
    readings++;
    try {
      const reader = await openReader();
      const fromMs = Date.parse(one.receivedAt);
      // From the spool it may have been sent at any time since.
      const toMs = spool === undefined ? Date.parse(one.settledAt) : clock.now();
      const sought = { id, source, partition: String(partition), fromMs, toMs };
      const position = await findPosition(reader, sought, clock).finally(() => reader.close());
      return { position };
    } catch (cause) {
      app.log.warn({ err: cause }, 'the position of an event cannot be read');
      return { position: 'unavailable' };
    } finally {
      readings--;
    }
  }

  app.get<{ Params: { id: string } }>('/api/events/:id', { config: { operation: findEvent } }, (request, reply) =>
    answer(reply, async () => {
      const { id } = request.params;
      if (id === '') throw invalidQuery('id', 'is empty');
      const told = await ask(id).catch((cause: unknown) => {
        throw new QueryError('PS_QUERY_UNAVAILABLE', `the gateway does not answer: ${messageOf(cause)}`, { cause });
      });
      if (told === undefined) return notFound('No gateway runs on this machine.');
      const { outcomes, remembers, ...rest } = whereaboutsSchema.parse(told);
      if (outcomes.length === 0) return notFound(boundOf(remembers));
      const found = [];
      for (const one of outcomes) found.push({ ...one, ...(await positionOf(one)) });
      return { ...rest, outcomes: found, remembers };
    }),
  );

  function notFound(detail: string): never {
    throw new QueryError('PS_EVENT_UNKNOWN', detail);
  }
};

function boundOf({ acceptedIds, acceptedSince, others, othersSince }: Whereabouts['remembers']): string {
  const since = (time: string | null) => (time === null ? '' : ` since ${time}`);
  return (
    `Nothing is known of this id. The gateway remembers ${acceptedIds} ids of accepted events${since(acceptedSince)}, ` +
    `and what became of ${others} other events${since(othersSince)}.`
  );
}
