import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { startAdminServer } from '../../src/dashboard/index.js';
import { connectLiveRedis, createLiveSource, type LiveRedis } from '../../src/query/index.js';
import { systemClock } from '../../src/shared/clock.js';
import { LIST_NAME, LIVE_CHANNEL, singleKey } from '../../src/shared/live-keys.js';
import { createLogger } from '../../src/shared/logger.js';
import { startTestRedis, type TestRedis } from '../helpers/redis.js';
import { builtWeb } from '../helpers/web-build.js';

const VIEWERS = 400;

let redisServer: TestRedis;
let redis: LiveRedis;
/** What is to be ended after the test, the last first. */
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  redisServer = await startTestRedis();
  redis = connectLiveRedis(redisServer.url);
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
afterAll(async () => {
  redis.disconnect();
  await redisServer.stop();
});

/** Reads the messages of a stream until one has the text. */
async function hears(response: Response, text: string): Promise<void> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (let read = ''; !read.includes(text); ) {
    const part = await reader?.read();
    if (part === undefined || part.done) throw new Error('the stream has ended');
    read += part.value;
  }
  await reader?.cancel();
}

it('hundreds of viewers are served from one subscription and one reading connection to Redis', async () => {
  const source = createLiveSource(redis, systemClock);
  ends.push(() => source.close());
  const server = await startAdminServer(
    { live: source, routes: [], clock: systemClock, logger: createLogger('dashboard', 'silent') },
    { host: '127.0.0.1', port: 0, webFolder: builtWeb().dashboardFolder },
  );
  ends.push(() => server.stop());
  const abort = new AbortController();
  ends.push(() => abort.abort());
  const { signal } = abort;
  const streams = await Promise.all(
    Array.from({ length: VIEWERS }, () => fetch(`${server.url}/api/live/stream`, { signal })),
  );
  const entry = {
    time: new Date().toISOString(),
    anonymousId: 'seen-by-everybody',
    behaviour: 'outfit',
    from: 'clothes',
    to: 'shoes',
  };
  const list = JSON.stringify([{ key: 'k', timeMs: systemClock.now(), entry }]);
  const writer = connectLiveRedis(redisServer.url);
  ends.push(() => writer.disconnect());
  await writer.hset(singleKey('offers'), `0|${LIST_NAME}`, list, 'rev', '1');
  await writer.publish(LIVE_CHANNEL, '{}');
  await Promise.all(streams.map((response) => hears(response, 'seen-by-everybody')));
  const clients = ((await writer.client('LIST')) as string).split('\n');
  const names = clients.map((client) => / name=(\S*)/.exec(client)?.[1] ?? '').filter((name) => name.includes('query'));
  // The writer is a copy of the reader, and has its name.
  expect(names.sort()).toEqual(['penstock-query', 'penstock-query', 'penstock-query-announcements']);
  expect(clients.filter((client) => / sub=[1-9]/.test(client))).toHaveLength(1);
});
