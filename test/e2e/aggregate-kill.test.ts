import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHubPublisher, type HubPublisher } from '../../src/messaging/index.js';
import { connectLiveRedis, createLiveSource, type LiveFiguresSource, type LiveRedis } from '../../src/query/index.js';
import { systemClock } from '../../src/shared/clock.js';
import { startTestAzurite, type TestAzurite } from '../helpers/azurite.js';
import { createTempDir } from '../helpers/parts.js';
import { startTestRedis, type TestRedis } from '../helpers/redis.js';
import { waitFor } from '../helpers/wait.js';
import { createPageViews } from './support/page-views.js';
import { type RunningRole, startRole } from './support/role.js';

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

test('aggregators that are killed again and again count everything once, and no figure ever goes down', async () => {
  const views = createPageViews(publisher);
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
    for (let pack = 0; pack < PACKS_PER_ROUND; pack++) await views.send(round * 1_000 + pack);
    await waitFor('some progress', async () => (await counted()) > before);
    const victim = round % roles.length;
    await roles[victim]?.kill();
    roles[victim] = await startRole(['aggregate'], env);
  }
  await waitFor('everything to be counted', async () => (await counted()) >= views.sent + views.repeated);
  for (const role of roles) await role.stop();

  const totals = await source.readTotals();
  expect(totals).toMatchObject({ counted: views.sent, duplicate: views.repeated });
  expect(totals).not.toHaveProperty('late');
  expect(await views.shown(source)).toEqual(views.expected());
});
