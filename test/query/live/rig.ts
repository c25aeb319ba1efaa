import Fastify from 'fastify';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { createRedisSink, type LiveSink } from '../../../src/aggregators/index.js';
import type { StateChanges } from '../../../src/aggregators/state/changes.js';
import { connectLiveRedis, createLiveSource, type LiveRedis, liveRoutes } from '../../../src/query/index.js';
import { createLogger } from '../../../src/shared/logger.js';
import { descriptionOf } from '../../aggregators/driver.js';
import { createManualClock } from '../../helpers/manual-clock.js';
import { startTestRedis, type TestRedis } from '../../helpers/redis.js';

export const MINUTE = 60_000;
export const NOW = Date.UTC(2099, 0, 1, 12, 0, 30);
export const PANE = Date.UTC(2099, 0, 1, 12, 0, 0);

type Counters = Readonly<Record<string, number | string>>;

/** The figures of a Redis of its own, emptied before each test, and the sink that fills it. */
export function createLiveRig() {
  let server: TestRedis;
  let redis: LiveRedis;
  let sink: LiveSink;
  let world: ReturnType<typeof createWorld>;
  let version = 0;

  /** What each test has anew. */
  function createWorld() {
    const clock = createManualClock(NOW);
    return { clock, source: createLiveSource(redis, clock), app: Fastify() };
  }

  beforeAll(async () => {
    server = await startTestRedis();
    redis = connectLiveRedis(server.url);
    sink = createRedisSink(server.url, createLogger('test', 'silent'));
    await sink.ready(10_000);
  });
  afterAll(async () => {
    await sink.close();
    redis.disconnect();
    await server.stop();
  });
  beforeEach(async () => {
    await redis.flushall();
    // It announces the metrics anew.
    await sink.ready(10_000);
    world = createWorld();
    const { app, source } = world;
    await app.register(liveRoutes, { source });
    return async () => {
      source.close();
      await app.close();
    };
  });

  return {
    get redis() {
      return redis;
    },
    get sink() {
      return sink;
    },
    get clock() {
      return world.clock;
    },
    get source() {
      return world.source;
    },
    get app() {
      return world.app;
    },
    write(
      partition: string,
      metric: string,
      panes: Readonly<Record<number, Counters>>,
      lists: StateChanges['lists'] = [],
    ) {
      const changes = Object.entries(panes).map(([startMs, values]) => ({
        startMs: Number(startMs),
        names: Object.keys(values),
        values: Object.values(values),
      }));
      const position = { sequenceNumber: version++, offset: '', enqueuedAtMs: NOW };
      return sink.write(
        { partition, epoch: 1 },
        { position, panes: [{ metric: descriptionOf(metric), changes }], lists, totals: [] },
      );
    },
    /** Reads past the cache. */
    readAnew() {
      world.clock.advance(100);
      return world.source.read();
    },
  };
}
