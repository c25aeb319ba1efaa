import Fastify from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { QueryError } from '../../../src/query/errors.js';
import { systemRoutes } from '../../../src/query/system/routes.js';
import type { PartitionHealth } from '../../../src/shared/partition-health.js';
import { createManualClock } from '../../helpers/manual-clock.js';

const BROKER = { name: 'Broker', state: 'good', text: '3 connections, 90 MB' } as const;
const health: PartitionHealth = {
  sequenceNumber: 7,
  watermark: null,
  appliedAt: '2026-11-21T12:00:00.000Z',
  savedAt: null,
  offersWaiting: 0,
  offersGivenUp: 0,
  idsRememberedMs: null,
  stopped: null,
  unsaved: null,
};
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function ask(readHealth: () => Promise<ReadonlyMap<string, PartitionHealth>>) {
  const app = Fastify();
  closers.push(() => app.close());
  await app.register(systemRoutes, {
    clock: createManualClock(Date.UTC(2026, 10, 21, 12)),
    source: { readHealth, readTotals: async () => ({ counted: 8 }) },
    surroundings: async () => ({ parts: [BROKER], newest: new Map([['0', 9]]) }),
  });
  const { statusCode, json } = await app.inject('/api/system');
  return { statusCode, body: json() };
}

describe('the health of the system', () => {
  it('has the parts, and how far each partition is behind', async () => {
    const { body } = await ask(async () => new Map([['0', health]]));
    expect(body).toMatchObject({ parts: [BROKER], partitions: [{ partition: '0', lag: 2 }], totals: { counted: 8 } });
  });

  it('has the parts while the figures cannot be read, and says that they cannot', async () => {
    const { statusCode, body } = await ask(() => Promise.reject(new QueryError('PS_QUERY_UNAVAILABLE', 'away')));
    expect(statusCode).toBe(200);
    expect(body).toEqual({
      asOf: '2026-11-21T12:00:00.000Z',
      parts: [{ name: 'Redis', state: 'bad', text: 'the figures cannot be read' }, BROKER],
      partitions: null,
      totals: null,
    });
  });

  it('does not call an error of its own code a Redis that is away', async () => {
    expect((await ask(() => Promise.reject(new TypeError('no')))).statusCode).toBe(500);
  });
});
