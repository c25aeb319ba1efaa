import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultAggregatorOptions, recompute } from '../../src/aggregators/index.js';
import { createCaptureHistory } from '../../src/archive/index.js';
import type { CaptureDefinition } from '../../src/broker/topology/index.js';
import { createBlobReader, createBlobWriter, createHubReader, type HubPublisher } from '../../src/messaging/index.js';
import {
  connectLiveRedis,
  createLiveSource,
  type EventHistory,
  hubHistory,
  readFigures,
  replay,
} from '../../src/query/index.js';
import { systemClock } from '../../src/shared/clock.js';
import { loadConfig } from '../../src/shared/config/index.js';
import type { LiveFigures } from '../../src/shared/live.js';
import { notTold } from '../archive/capture-file.js';
import { createRandom } from '../crash/support/random.js';
import { startTestAzurite, type TestAzurite } from '../helpers/azurite.js';
import { startTestBroker, type TestBroker, testTopology } from '../helpers/broker.js';
import { startTestRedis, type TestRedis } from '../helpers/redis.js';
import { waitFor } from '../helpers/wait.js';
import { openPublisher, publish, startAggregator } from './pipeline.js';

const MINUTE = 60_000;
const ROUNDS = 6;
const EVENTS_A_ROUND = 600;

let azurite: TestAzurite;
let broker: TestBroker;
let publisher: HubPublisher;
let live: TestRedis;
let replayed: TestRedis;

beforeAll(async () => {
  [azurite, live, replayed] = await Promise.all([startTestAzurite(), startTestRedis(), startTestRedis()]);
  const hubs = testTopology.hubs.map((hub) => ({ ...hub, capture }));
  const blobs = createBlobWriter({ connectionString: azurite.connectionString });
  broker = await startTestBroker({ ...testTopology, hubs }, { blobs });
  publisher = await openPublisher(broker.connectionString);
});
afterAll(async () => {
  await publisher.close();
  await Promise.all([azurite.stop(), broker.remove(), live.stop(), replayed.stop()]);
});

const random = createRandom(20_261);
const oneOf = <T>(...values: readonly T[]): T => values[random.below(values.length)] as T;
let ids = 0;

/** Something of a shop that happens at about `atMs`: in or out of order, too late, repeated, or no event at all. */
function happening(atMs: number): { readonly data: { readonly anonymousId: string } } {
  const behindMs = oneOf(0, 0, 0, random.below(5 * MINUTE), random.below(55 * MINUTE), random.below(150 * MINUTE));
  const type = oneOf('page_view', 'page_view', 'view_item', 'add_to_cart', 'purchase', 'scroll');
  // One in ten has an id that came before.
  const id = `e${random.below(10) === 0 ? random.below(ids + 1) : ids++}`;
  const item = {
    item_id: `i${random.below(20)}`,
    item_category: oneOf('apparel.shirts', 'apparel.shoes.keds', 'other'),
  };
  return {
    ...(random.below(50) === 0 ? { id: 7 } : { id }),
    ...(type === 'purchase' ? { messageid: `purchase:${id}` } : {}),
    ...{ specversion: '1.0', source: 'shop', type, time: new Date(atMs - behindMs).toISOString() },
    data: {
      anonymousId: `v${random.below(60)}`,
      page: { path: `/${random.below(12)}` },
      properties: { ...item, value: random.below(10_000) / 100, currency: oneOf('EUR', 'CHF') },
      context: { device: oneOf('mobile', 'desktop', 'watch'), country: oneOf('DE', 'CH', undefined) },
      receivedAt: new Date(atMs).toISOString(),
    },
  } as unknown as { readonly data: { readonly anonymousId: string } };
}

/** All that Redis has of the figures, but for when and by whom it was written. */
async function contentOf({ url }: TestRedis): Promise<Map<string, unknown>> {
  const redis = new Redis(url);
  const content = new Map<string, unknown>();
  for (const key of (await redis.keys('*')).sort()) {
    if (/:owners$|:expiries$|\{live:health\}/.test(key)) continue;
    const type = await redis.type(key);
    if (type === 'stream') content.set(key, await redis.xrange(key, '-', '+'));
    else if (type === 'zset') content.set(key, await redis.zrange(key, '0', '-1'));
    else content.set(key, withoutWrites(await redis.hgetall(key)));
  }
  redis.disconnect();
  return content;
}

/** Versions and the number of writes tell of the writing. */
const withoutWrites = (fields: Record<string, string>) =>
  Object.fromEntries(Object.entries(fields).filter(([field]) => field !== 'rev' && !/^\d+$/.test(field)));

/** Sums of the totals, by name. */
function totalsIn(content: ReadonlyMap<string, unknown>): Map<string, number> {
  const totals = new Map<string, number>();
  const [fields] = [...content].flatMap(([key, value]) => (key.includes('{live:totals}') ? [value as object] : []));
  for (const [field, value] of Object.entries(fields ?? {})) {
    const name = field.slice(field.indexOf('|') + 1);
    totals.set(name, (totals.get(name) ?? 0) + Number(value));
  }
  return totals;
}

const capture: CaptureDefinition = {
  encoding: 'AvroDeflate',
  intervalMs: 1_000,
  sizeLimitBytes: 200_000,
  skipEmptyArchives: true,
  container: 'capture',
  nameFormat: '{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}',
  namespace: 'shop',
};

function captureHistory(): EventHistory {
  const blobs = createBlobReader({ connectionString: azurite.connectionString }, capture.container);
  return createCaptureHistory({ blobs, onProblem: notTold, onGap: notTold }, { ...capture, hub: 'clicks' });
}

const ALWAYS = { fromMs: 0, toMs: Number.POSITIVE_INFINITY };

/** The figures as of a time, from the events alone. */
async function recomputed(history: EventHistory, asOfMs: number, arrivalsInSeconds: boolean): Promise<LiveFigures> {
  const computed = await recompute(
    { partitions: history.partitions, read: (partitionId) => history.read(partitionId, ALWAYS) },
    {
      aggregator: defaultAggregatorOptions,
      behaviours: loadConfig({ env: {} }).behaviours,
      seed: [1, 2],
      arrivalsInSeconds,
      asOfMs,
    },
  );
  return readFigures(computed, asOfMs);
}

/** The figures as of a time, as Redis has them. */
async function shownBy({ url }: TestRedis, asOfMs: number): Promise<LiveFigures> {
  const redis = connectLiveRedis(url);
  const clock = { ...systemClock, now: () => asOfMs };
  const source = createLiveSource(redis, clock);
  const figures = await source.read();
  source.close();
  redis.disconnect();
  return figures;
}

const READ = ['counted', 'duplicate', 'malformed', 'late'] as const;

/** Waits until so many elements of packs were judged. */
const untilRead = (redis: TestRedis, count: number) =>
  waitFor(`${count} events`, async () => {
    const totals = totalsIn(await contentOf(redis));
    const read = READ.reduce((sum, name) => sum + (totals.get(name) ?? 0), 0);
    return read === count;
  });

test('figures of a live reading that was interrupted are those of a replay from the beginning, from the hub and from files of Capture, late events included', async () => {
  const at = { hub: broker.connectionString, storage: azurite.connectionString, topic: broker.connectionString };
  const now = Date.now();
  let aggregator = await startAggregator({ ...at, redis: live.url, container: 'live' });
  for (let round = 1; round <= ROUNDS; round++) {
    const atMs = now - (ROUNDS - round) * 40 * MINUTE;
    await publish(
      publisher,
      Array.from({ length: EVENTS_A_ROUND }, () => happening(atMs)),
      { packSize: 1 + random.below(30) },
    );
    await untilRead(live, round * EVENTS_A_ROUND);
    if (round % 2 === 1) continue;
    await aggregator.stop();
    aggregator = await startAggregator({ ...at, redis: live.url, container: 'live' });
  }
  await aggregator.stop();
  const content = await contentOf(live);

  const again = await startAggregator({ ...at, redis: replayed.url, container: 'replayed' });
  await untilRead(replayed, ROUNDS * EVENTS_A_ROUND);
  await again.stop();
  expect(await contentOf(replayed)).toEqual(content);
  const totals = totalsIn(content);
  for (const name of [...READ, 'revised_sessions']) expect(totals.get(name), name).toBeGreaterThan(10);
  const streams = [...content].filter(([key]) => key.includes('{live:late}'));
  expect(streams.flatMap(([, entries]) => entries as unknown[])).toHaveLength(totals.get('late') as number);

  await waitFor('files of all events', async () => {
    const { events } = await replay(captureHistory(), ALWAYS, async () => {});
    return events === ROUNDS * EVENTS_A_ROUND;
  });
  const reader = await createHubReader(
    { connectionString: broker.connectionString },
    { hub: 'clicks', consumerGroup: 'replay' },
  );
  for (const minutesAgo of [0, 40, 100]) {
    const asOfMs = now - minutesAgo * MINUTE;
    const figures = await shownBy(live, asOfMs);
    expect(figures.pages.length).toBeGreaterThan(0);
    expect(await recomputed(hubHistory(reader), asOfMs, false)).toEqual(figures);
    const { metrics, ...rest } = await recomputed(captureHistory(), asOfMs, true);
    const { ingestionDelay, ...others } = metrics;
    expect({ ...rest, metrics: { ...others, ingestionDelay: figures.metrics['ingestionDelay'] } }).toEqual(figures);
    expect(ingestionDelay?.values).toEqual([]);
  }
  await reader.close();
});
