import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHubPublisher, type HubPublisher } from '../../src/messaging/index.js';
import { connectLiveRedis, createLiveSource, type LiveFiguresSource, type LiveRedis } from '../../src/query/index.js';
import { systemClock } from '../../src/shared/clock.js';
import { partitionForKey } from '../../src/shared/partition-hash.js';
import { startTestAzurite, type TestAzurite } from '../helpers/azurite.js';
import { createTempDir } from '../helpers/parts.js';
import { startTestRedis, type TestRedis } from '../helpers/redis.js';
import { waitFor } from '../helpers/wait.js';
import { type RunningRole, startRole } from './support/role.js';

const MINUTE = 60_000;
const PARTITIONS = 4;
const ROUNDS = 6;
const PACKS_PER_ROUND = 12;

const dir = createTempDir('aggregate-kill');
let redisServer: TestRedis;
let azurite: TestAzurite;
let broker: RunningRole;
let redis: LiveRedis;
let source: LiveFiguresSource;
let publisher: HubPublisher;
let env: Record<string, string>;

beforeAll(async () => {
  [redisServer, azurite] = await Promise.all([startTestRedis(), startTestAzurite()]);
  broker = await startRole(['broker'], { PENSTOCK_DATA_DIR: dir.path, PENSTOCK_BROKER_PORT: '0' });
  const connectionString = broker.facts['connectionString'] as string;
  env = {
    PENSTOCK_EVENTHUBS_CONNECTION_STRING: connectionString,
    PENSTOCK_STORAGE_CONNECTION_STRING: azurite.connectionString,
    PENSTOCK_REDIS_URL: redisServer.url,
  };
  redis = connectLiveRedis(redisServer.url);
  source = createLiveSource(redis, systemClock);
  publisher = createHubPublisher({ connectionString }, 'clicks', { timeoutMs: 20_000 });
});
afterAll(async () => {
  await publisher.close();
  source.close();
  redis.disconnect();
  await broker.stop();
  await Promise.all([redisServer.stop(), azurite.stop()]);
  dir.remove();
});

/** What the panes have to say in the end, by start of the pane. */
const truth = new Map<number, { pageViews: number; visitors: Set<string> }>();
let sent = 0;
let repeated = 0;

/** Sends views of the last minutes, out of order and some of them twice, to the partitions of their visitors. */
async function sendPacks(seed: number): Promise<void> {
  const views = fc.sample(fc.record({ visitor: fc.nat(300), agoMs: fc.nat(3 * MINUTE), repeat: fc.nat(20) }), {
    numRuns: 200,
    seed,
  });
  const packs: object[][] = Array.from({ length: PARTITIONS }, () => []);
  for (const { visitor, agoMs, repeat } of views) {
    const timeMs = systemClock.now() - agoMs;
    const anonymousId = `visitor-${visitor}`;
    const event = {
      id: `view-${sent++}`,
      type: 'page_view',
      source: 'shop',
      time: new Date(timeMs).toISOString(),
      data: { anonymousId, page: { path: '/' }, context: {} },
    };
    const copies = repeat === 0 ? [event, event] : [event];
    repeated += copies.length - 1;
    packs[partitionForKey(anonymousId, PARTITIONS)]?.push(...copies);
    const startMs = timeMs - (timeMs % MINUTE);
    const pane = truth.get(startMs) ?? { pageViews: 0, visitors: new Set() };
    pane.pageViews++;
    pane.visitors.add(anonymousId);
    truth.set(startMs, pane);
  }
  for (const [partition, pack] of packs.entries()) {
    await publisher.send(partition, [Buffer.from(JSON.stringify(pack))]);
  }
}

test('aggregators that are killed again and again count everything once, and no figure ever goes down', async () => {
  const firstMs = systemClock.now();
  const roles = [await startRole(['aggregate'], env), await startRole(['aggregate'], env)];
  let highest = 0;
  const counted = async () => {
    const totals = await source.readTotals();
    const now = (totals['counted'] ?? 0) + (totals['duplicate'] ?? 0);
    expect(now).toBeGreaterThanOrEqual(highest);
    highest = now;
    return now;
  };
  for (let round = 0; round < ROUNDS; round++) {
    const before = await counted();
    for (let pack = 0; pack < PACKS_PER_ROUND; pack++) await sendPacks(round * 1_000 + pack);
    await waitFor('some progress', async () => (await counted()) > before);
    const victim = round % roles.length;
    await roles[victim]?.kill();
    roles[victim] = await startRole(['aggregate'], env);
  }
  await waitFor('everything to be counted', async () => (await counted()) >= sent + repeated);
  for (const role of roles) await role.stop();

  const totals = await source.readTotals();
  expect(totals).toMatchObject({ counted: sent, duplicate: repeated });
  expect(totals).not.toHaveProperty('late');
  const panes = await source.readPanes('visitors', firstMs - 10 * MINUTE, systemClock.now() + MINUTE);
  const shown = panes?.map(({ start, values }) => [start, values['pageViews'], values['visitors']]);
  const expected = [...truth]
    .sort(([a], [b]) => a - b)
    .map(([startMs, { pageViews, visitors }]) => [new Date(startMs).toISOString(), pageViews, visitors.size]);
  expect(shown).toEqual(expected);
});
