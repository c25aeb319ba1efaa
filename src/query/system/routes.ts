import type { FastifyPluginAsync } from 'fastify';
import type { Clock } from '../../shared/clock.js';
import { answer } from '../live/answer.js';
import type { LiveFiguresSource } from '../live/source.js';
import { readSystem } from './operations.js';
import { metricTroubles, partitionTroubles, type SystemPart } from './troubles.js';

/** What there is to know from outside of the figures. */
export interface Surroundings {
  readonly parts: readonly SystemPart[];
  /** Sequence number of the newest event of each partition, where it is known. */
  readonly newest: ReadonlyMap<string, number>;
}

export interface SystemRoutesOptions {
  readonly source: Pick<LiveFiguresSource, 'readHealth' | 'readTotals'>;
  readonly surroundings: () => Promise<Surroundings>;
  readonly clock: Clock;
}

/** `GET /api/system`: how far the readers of the partitions are, what was counted and what not, and how the parts are. */
export const systemRoutes: FastifyPluginAsync<SystemRoutesOptions> = async (app, { source, surroundings, clock }) => {
  app.get('/api/system', { config: { operation: readSystem } }, (_request, reply) =>
    answer(reply, async () => {
      const [health, totals, { parts, newest }] = await Promise.all([
        source.readHealth(),
        source.readTotals(),
        surroundings(),
      ]);
      const partitions = [...health]
        .sort(([a], [b]) => Number(a) - Number(b))
        .map(([partition, each]) => {
          const last = newest.get(partition);
          return { partition, lag: last === undefined ? null : Math.max(0, last - each.sequenceNumber), ...each };
        });
      const nowMs = clock.now();
      const troubles = [...partitionTroubles(partitions, nowMs), ...metricTroubles(totals)];
      return { asOf: new Date(nowMs).toISOString(), parts: [...troubles, ...parts], partitions, totals };
    }),
  );
};
