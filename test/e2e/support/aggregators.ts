import { afterAll, afterEach, beforeAll } from 'vitest';
import { createHubPublisher, type HubPublisher } from '../../../src/messaging/index.js';
import {
  connectLiveRedis,
  createLiveSource,
  type LiveFiguresSource,
  type LiveRedis,
} from '../../../src/query/index.js';
import { systemClock } from '../../../src/shared/clock.js';
import { startTestAzurite, type TestAzurite } from '../../helpers/azurite.js';
import { createTempDir } from '../../helpers/parts.js';
import { startTestRedis, type TestRedis } from '../../helpers/redis.js';
import { type RunningRole, startRole } from './role.js';

/** What a killed aggregator has owned is free when this has expired, which a test of kills waits for again and again. */
export const SHORT_LEASE = '{"renewMs":500,"expiryMs":2000}';

/** A broker, Redis and Azurite for the tests of a file, with nothing before them and aggregators as it starts them. */
export function useAggregators(name: string, settings: Readonly<Record<string, string>> = {}) {
  const dir = createTempDir(name);
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
      ...settings,
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

  /** Those of a test that failed must not disturb the next. */
  const running: RunningRole[] = [];
  afterEach(() => Promise.all(running.splice(0).map((role) => role.kill())));

  return {
    get redisUrl() {
      return redisServer.url;
    },
    get storage() {
      return azurite.connectionString;
    },
    /** The figures as they are shown. */
    get source() {
      return source;
    },
    /** Sends to the hub that is read. */
    get publisher() {
      return publisher;
    },
    async start(more: Readonly<Record<string, string>> = {}): Promise<RunningRole> {
      const role = await startRole(['aggregate'], { ...env, ...more });
      running.push(role);
      return role;
    },
  };
}
