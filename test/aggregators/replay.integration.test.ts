import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HubPublisher } from '../../src/messaging/index.js';
import { createRandom } from '../crash/support/random.js';
import { startTestAzurite, type TestAzurite } from '../helpers/azurite.js';
import { startTestBroker, type TestBroker } from '../helpers/broker.js';
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
  [azurite, broker, live, replayed] = await Promise.all([
    startTestAzurite(),
    startTestBroker(),
    startTestRedis(),
    startTestRedis(),
  ]);
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

const READ = ['counted', 'duplicate', 'malformed', 'late'] as const;

/** Waits until so many elements of packs were judged. */
const untilRead = (redis: TestRedis, count: number) =>
  waitFor(`${count} events`, async () => {
    const totals = totalsIn(await contentOf(redis));
    const read = READ.reduce((sum, name) => sum + (totals.get(name) ?? 0), 0);
    return read === count;
  });

test('figures of a live reading that was interrupted are those of a replay from the beginning, late events included', async () => {
  const at = { hub: broker.connectionString, storage: azurite.connectionString, topic: broker.connectionString };
  const now = Date.now();
  let aggregator = await startAggregator({ ...at, redis: live.url, container: 'live' });
  for (let round = 1; round <= ROUNDS; round++) {
    const atMs = now - (ROUNDS - round) * 40 * MINUTE;
    await publish(
      publisher,
      Array.from({ length: EVENTS_A_ROUND }, () => happening(atMs)),
      1 + random.below(30),
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
}, 120_000);
