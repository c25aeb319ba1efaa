import type { FastifyPluginAsync } from 'fastify';
import type { Clock } from '../../shared/clock.js';
import { QueryError } from '../errors.js';
import type { LiveFiguresSource } from '../live/source.js';
import { readSystem } from './operations.js';
import { FIGURES_AWAY, metricTroubles, partitionTroubles, type SystemPart, untoldPartitions } from './troubles.js';

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

/**
 * `GET /api/system`: how far the readers of the partitions are, what was counted and what not, and how the parts are. The
 * latter also while the figures cannot be read: that is when they are looked at.
 */
export const systemRoutes: FastifyPluginAsync<SystemRoutesOptions> = async (app, { source, surroundings, clock }) => {
  const readFigures = async () => {
    try {
      return await Promise.all([source.readHealth(), source.readTotals()]);
    } catch (error) {
      if (error instanceof QueryError && error.code === 'PS_QUERY_UNAVAILABLE') return undefined;
      throw error;
    }
  };
  app.get('/api/system', { config: { operation: readSystem } }, async () => {
    const [figures, { parts, newest }] = await Promise.all([readFigures(), surroundings()]);
    const nowMs = clock.now();
    const asOf = new Date(nowMs).toISOString();
    if (figures === undefined) return { asOf, parts: [FIGURES_AWAY, ...parts], partitions: null, totals: null };
    const [health, totals] = figures;
    const partitions = [...health]
      .sort(([a], [b]) => Number(a) - Number(b))
      .map(([partition, each]) => {
        const last = newest.get(partition);
        return { partition, lag: last === undefined ? null : Math.max(0, last - each.sequenceNumber), ...each };
      });
    const untold = untoldPartitions(newest, health);
    const troubles = [...partitionTroubles(partitions, nowMs), ...untold, ...metricTroubles(totals)];
    return { asOf, parts: [...troubles, ...parts], partitions, totals };
  });
};
