import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PenstockEvent } from '../../src/events/index.js';
import type { LiveFigures } from '../../src/shared/live.js';
import { startTestAzurite, type TestAzurite } from '../helpers/azurite.js';
import { createTempDir } from '../helpers/parts.js';
import { startTestRedis, type TestRedis } from '../helpers/redis.js';
import { waitFor } from '../helpers/wait.js';
import { SHORT_LEASE } from './support/aggregators.js';
import { type RunningRole, startRole } from './support/role.js';

const WRITE_KEY = 'a-write-key-of-the-offers-test';
const VISITORS = 20;

const dir = createTempDir('offers');
let redis: TestRedis;
let azurite: TestAzurite;
let env: Record<string, string>;
let aggregators: RunningRole;
let gateway: RunningRole;
let dashboard: RunningRole;
const roles: RunningRole[] = [];

const run = async (...args: string[]) => {
  const role = await startRole(args, env);
  roles.push(role);
  return role;
};

beforeAll(async () => {
  [redis, azurite] = await Promise.all([startTestRedis(), startTestAzurite()]);
  env = { PENSTOCK_DATA_DIR: dir.path, PENSTOCK_BROKER_PORT: '0' };
  const broker = await run('broker');
  const connectionString = broker.facts['connectionString'] as string;
  env = {
    PENSTOCK_DATA_DIR: dir.path,
    PENSTOCK_SERVICEBUS_CONNECTION_STRING: connectionString,
    PENSTOCK_EVENTHUBS_CONNECTION_STRING: connectionString,
    PENSTOCK_STORAGE_CONNECTION_STRING: azurite.connectionString,
    PENSTOCK_REDIS_URL: redis.url,
    PENSTOCK_AGGREGATOR_LEASE: SHORT_LEASE,
    PENSTOCK_SOURCES: JSON.stringify([{ name: 'shop', writeKey: WRITE_KEY }]),
    PENSTOCK_PORT: '0',
    PENSTOCK_ADMIN_PORT: '0',
  };
  gateway = await run('gateway');
  dashboard = await run('dashboard');
  aggregators = await run('aggregate');
  await run('consume', 'audit', 'live-figures');
});
afterAll(async () => {
  await aggregators.stop();
  for (const role of roles.reverse()) await role.stop();
  await Promise.all([redis.stop(), azurite.stop()]);
  dir.remove();
});

async function killAggregators(): Promise<void> {
  await aggregators.kill();
  aggregators = await startRole(['aggregate'], env);
}

async function post(events: readonly object[]): Promise<void> {
  const response = await fetch(`${gateway.facts['url']}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${WRITE_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(events),
  });
  const { results } = (await response.json()) as { results: { outcome: string }[] };
  expect(results.map(({ outcome }) => outcome)).toEqual(events.map(() => 'accepted'));
}

/** Every visitor looks at the same product. */
const look = (item_id: string, item_category: string) =>
  post(
    Array.from({ length: VISITORS }, (_, index) => ({
      type: 'view_item',
      anonymousId: `visitor-${index}`,
      properties: { item_id, item_category },
    })),
  );

const figures = async () => (await (await fetch(`${dashboard.facts['url']}/api/live`)).json()) as LiveFigures;
const late = async () =>
  (await (await fetch(`${dashboard.facts['url']}/api/late`)).json()) as Readonly<Record<string, number>>;

/** What the topic had, as the subscription that gets everything has it. */
function audited(type: string): PenstockEvent[] {
  const folder = join(dir.path, 'audit');
  const text = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
  const lines = text.flatMap((each) => each.split('\n').slice(0, -1));
  return lines.map((line) => JSON.parse(line) as PenstockEvent).filter((event) => event.type === type);
}

test('aggregators that are killed between all steps make each visitor one offer: one message, and one row', async () => {
  await look('jacket', 'apparel.jackets');
  await killAggregators();
  await look('boots', 'apparel.shoes');
  await waitFor('both views', async () => (await late())['counted'] === 2 * VISITORS);
  await killAggregators();
  await look('shirt', 'apparel.shirts');
  // At whatever moment: before the views are read, before the offers are sent, or before the state is saved.
  await killAggregators();
  await waitFor('the first offers', () => audited('offer_made').length > 0);
  await killAggregators();
  await waitFor('every offer', () => audited('offer_made').length >= VISITORS);
  await killAggregators();
  // Nobody gets a second one in the window; and what was on its way before this order is on the topic with it.
  await look('boots', 'apparel.shoes');
  await look('coat', 'apparel.jackets');
  await waitFor('every view, and every offer in the hub', async () => (await late())['counted'] === 6 * VISITORS);
  await post([
    { type: 'purchase', anonymousId: 'buyer', properties: { transaction_id: 'T-1', value: 5, currency: 'EUR' } },
  ]);
  await waitFor('the order', () => audited('purchase').length === 1);

  const offers = audited('offer_made');
  const visitors = Array.from({ length: VISITORS }, (_, index) => `visitor-${index}`);
  expect(offers.map(({ data }) => data.anonymousId).sort()).toEqual(visitors.sort());
  for (const { data } of offers) {
    const { items, ...properties } = data.properties ?? {};
    expect(properties).toEqual({ offer: 'outfit-discount', behaviour: 'outfit' });
    expect((items as { item_id: string }[]).map(({ item_id }) => item_id)).toEqual(['jacket', 'boots', 'shirt']);
  }
  await waitFor('the buyer', async () => (await figures()).visitors.total === VISITORS + 1);
  expect((await figures()).offers).toHaveLength(20);
});

test('the newest offer of one visitor is one row, after the aggregators were killed too', async () => {
  const views = [
    ['cap', 'clothing.caps'],
    ['sandals', 'shoes.sandals'],
    ['scarf', 'clothing.scarves'],
  ] as const;
  for (const [item_id, item_category] of views) {
    await post([{ type: 'view_item', anonymousId: 'somebody', properties: { item_id, item_category } }]);
  }
  const rows = async () => (await figures()).offers.filter(({ anonymousId }) => anonymousId === 'somebody');
  await waitFor('the offer', async () => (await rows()).some(({ offer }) => offer !== undefined));
  await killAggregators();
  await post([{ type: 'page_view', anonymousId: 'somebody', page: { path: '/behind' } }]);
  await waitFor('what is behind it', async () => (await figures()).pages.some(({ path }) => path === '/behind'));
  expect((await rows()).map(({ from, to, offer }) => [from, to, offer])).toEqual([
    ['shoes', 'browsing', 'outfit-discount'],
    ['clothes', 'shoes', undefined],
    ['browsing', 'clothes', undefined],
  ]);
});
