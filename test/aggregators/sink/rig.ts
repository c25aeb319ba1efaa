import { Redis } from 'ioredis';
import { afterAll, beforeEach } from 'vitest';
import { createRedisSink } from '../../../src/aggregators/sink/redis-sink.js';
import type { StateChanges } from '../../../src/aggregators/state/changes.js';
import type { LateEvent } from '../../../src/shared/late-events.js';
import { lateStreamKey } from '../../../src/shared/live-keys.js';
import { createLogger } from '../../../src/shared/logger.js';
import { startTestRedis } from '../../helpers/redis.js';
import { descriptionOf } from '../driver.js';

/** A sink, and the Redis behind it, which is empty before each test and goes with the file. */
export async function startSinkRig() {
  const server = await startTestRedis();
  const redis = new Redis(server.url);
  const sink = createRedisSink(server.url, createLogger('test', 'silent'));
  await sink.ready(10_000);
  afterAll(async () => {
    await sink.close();
    redis.disconnect();
    await server.stop();
  });
  beforeEach(() => redis.flushall());
  return { redis, sink, streamOf: (partition: string) => redis.xrange(lateStreamKey(partition), '-', '+') };
}

export const PAGES = descriptionOf('pages');
export const NOW = Date.now();
export const PANE = NOW - (NOW % 60_000);

export const owner = (partition: string, epoch = 1, hubCreatedAtMs?: number) => ({ partition, epoch, hubCreatedAtMs });

export function change(sequenceNumber: number, startMs: number, values: Record<string, number>): StateChanges {
  const changes = [{ startMs, names: Object.keys(values), values: Object.values(values) }];
  return {
    position: { sequenceNumber, offset: '', enqueuedAtMs: NOW },
    panes: [{ metric: PAGES, changes }],
    lists: [],
    totals: [],
  };
}

export const health = (sequenceNumber: number) => ({
  ...{ sequenceNumber, watermark: null, appliedAt: '', savedAt: null },
  ...{ offersWaiting: 0, offersGivenUp: 0, idsRememberedMs: null, stopped: null, unsaved: null },
});

export const lateEvent = (sequenceNumber: number, index = 0): LateEvent => ({
  sequenceNumber,
  index,
  id: `e${sequenceNumber}.${index}`,
  type: 'page_view',
  timeMs: PANE,
  enqueuedAtMs: NOW,
  behindMs: 5_000,
  metrics: { pages: PANE },
});

export const withLate = (sequenceNumber: number, events: LateEvent[], after?: LateEvent): StateChanges => ({
  ...change(sequenceNumber, PANE, {}),
  panes: [],
  late: { after, events },
});

/** A pane, the totals and a late event: what tells which partitions there are, and how far. */
export const all = (sequenceNumber: number): StateChanges => ({
  ...withLate(sequenceNumber, [lateEvent(sequenceNumber)]),
  panes: change(sequenceNumber, PANE, { '/a': 3 }).panes,
  lists: [{ metric: 'events', entries: [1] }],
  totals: [{ startMs: 0, names: ['counted'], values: [1] }],
});
