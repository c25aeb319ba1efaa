import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createRedisSink, type LiveSink } from '../../../src/aggregators/sink/redis-sink.js';
import type { StateChanges } from '../../../src/aggregators/state/changes.js';
import { connectLiveRedis, createLiveSource } from '../../../src/query/index.js';
import { systemClock } from '../../../src/shared/clock.js';
import {
  ownersKey,
  PANE_RETENTION_MS,
  paneExpiriesKey,
  paneIndexKey,
  paneKey,
  singleKey,
  TOTALS,
} from '../../../src/shared/live-keys.js';
import { createLogger } from '../../../src/shared/logger.js';
import { startTestRedis, type TestRedis } from '../../helpers/redis.js';
import { waitFor } from '../../helpers/wait.js';
import { descriptionOf } from '../driver.js';

/** Redis as whoever runs it may set it, and what may happen to it then. */
let server: TestRedis;
let admin: Redis;
let sink: LiveSink;
let lines: string[];

beforeAll(async () => {
  server = await startTestRedis();
  admin = new Redis(server.url);
});
afterAll(async () => {
  admin.disconnect();
  await server.stop();
});
beforeEach(async () => {
  await admin.flushall();
  lines = [];
});
afterEach(async () => {
  await admin.config('SET', 'maxmemory', '0');
  await admin.config('SET', 'maxmemory-policy', 'noeviction');
  await sink.close();
});

async function open(url = server.url): Promise<LiveSink> {
  const logger = createLogger('test', 'warn', { write: (line: string) => void lines.push(line) });
  sink = createRedisSink(url, logger);
  await sink.ready(5_000);
  return sink;
}

const logged = (text: string) => lines.filter((line) => line.includes(text)).length;

const PAGES = descriptionOf('pages');
const NOW = Date.now();
const PANE = NOW - (NOW % 60_000);
const OWNER = { partition: '0', epoch: 1 };

/** What the documentation says that a user needs for this. */
function rightsFor(what: 'Writing' | 'Reading'): readonly string[] {
  const list = readFileSync('docs/live.md', 'utf8').split(`${what}:`)[1]?.split('`')[1] ?? '';
  return list.split(' ');
}

/** The URL of a user who has these rights. */
async function userWith(name: string, rights: readonly string[]): Promise<string> {
  await admin.call('ACL', 'SETUSER', name, 'reset', 'on', '>secret', '~penstock:*', '&penstock:*', ...rights);
  const url = new URL(server.url);
  url.username = name;
  url.password = 'secret';
  return url.href;
}

/** What was refused to whom; clients tell their name from Redis 7.2 on, and do without. */
async function refused(): Promise<unknown[]> {
  const entries = (await admin.call('ACL', 'LOG')) as string[][];
  return entries.filter((entry) => !entry.includes('client|setinfo'));
}

interface Written {
  readonly sequenceNumber: number;
  readonly startMs?: number;
  readonly partial?: true;
  readonly enqueuedAtMs?: number;
}

function changes({ sequenceNumber, startMs = PANE, partial, enqueuedAtMs = NOW }: Written): StateChanges {
  const values = { names: ['/a'], values: [sequenceNumber], ...(partial && { partial }) };
  return {
    position: { sequenceNumber, offset: '', enqueuedAtMs },
    panes: [{ metric: PAGES, changes: [{ startMs, ...values }] }],
    lists: [],
    totals: [{ startMs: 0, ...values }],
  };
}

test('a Redis that evicts is told of once at the start, and one that keeps all is not', async () => {
  await open();
  await sink.close();
  await admin.config('SET', 'maxmemory-policy', 'volatile-lru');
  await open();
  await waitFor('the warning', () => logged('maxmemory-policy') === 1);
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] as string)).toMatchObject({ policy: 'volatile-lru' });
});

test.each([
  ['a pane', () => paneKey(PAGES, PANE)],
  ['the totals', () => singleKey(TOTALS)],
])('%s that was evicted is noticed by the next write to it, so that all is written again', async (_, key) => {
  await open();
  let noticed = 0;
  sink.onRecovered(() => noticed++);
  await sink.claim(OWNER);
  await sink.write(OWNER, changes({ sequenceNumber: 1 }));
  await sink.write(OWNER, changes({ sequenceNumber: 2, partial: true }));
  expect(noticed).toBe(0);
  await admin.del(key());
  await sink.write(OWNER, changes({ sequenceNumber: 3, partial: true }));
  expect(noticed).toBe(1);
});

test('a pane that has expired, as those of a hub that is read from far behind, is not taken for one that was evicted', async () => {
  await open();
  let noticed = 0;
  sink.onRecovered(() => noticed++);
  await sink.claim(OWNER);
  const old = { startMs: PANE - 9 * 86_400_000, enqueuedAtMs: NOW - 9 * 86_400_000 };
  const { totals: _, ...first } = changes({ sequenceNumber: 1, ...old });
  await sink.write(OWNER, { ...first, totals: [] });
  await sink.write(OWNER, { ...changes({ sequenceNumber: 2, ...old, partial: true }), totals: [] });
  expect(noticed).toBe(0);
});

test('index and expiries of a metric leave with its last pane, so that nothing stays of a definition that was changed', async () => {
  await open();
  await sink.write(OWNER, changes({ sequenceNumber: 1, startMs: PANE + 60_000 }));
  await sink.write(OWNER, changes({ sequenceNumber: 2 }));
  const expiryMs = PANE + 2 * 60_000 + PANE_RETENTION_MS;
  expect(await admin.call('PEXPIRETIME', paneIndexKey(PAGES))).toBe(expiryMs);
  expect(await admin.call('PEXPIRETIME', paneExpiriesKey(PAGES))).toBe(expiryMs);
});

test('a full Redis refuses with its own words, keeps nothing of the write, and takes the same write when it has room', async () => {
  await open();
  await sink.claim(OWNER);
  await admin.config('SET', 'maxmemory', '1');
  const full = { code: 'PS_SINK_UNAVAILABLE', message: expect.stringContaining('Redis: OOM') };
  await expect(sink.write(OWNER, changes({ sequenceNumber: 1 }))).rejects.toMatchObject(full);
  await expect(sink.claim({ ...OWNER, epoch: 2 })).rejects.toMatchObject(full);
  await expect(sink.ready(5_000)).rejects.toMatchObject(full);
  expect(await admin.exists(paneKey(PAGES, PANE), singleKey(TOTALS))).toBe(0);
  await admin.config('SET', 'maxmemory', '0');
  await sink.write(OWNER, changes({ sequenceNumber: 1 }));
  expect(await admin.hget(paneKey(PAGES, PANE), '0|/a')).toBe('1');
});

test('users with no more rights than the documentation lists can do all that is done, and who lacks one is told which', async () => {
  await open(await userWith('writer', rightsFor('Writing')));
  const redis = connectLiveRedis(await userWith('reader', rightsFor('Reading')));
  const source = createLiveSource(redis, systemClock);
  let told = 0;
  source.subscribe(() => told++);
  await sink.claim(OWNER);
  expect(await sink.adopt({ ...OWNER, hubCreatedAtMs: NOW }, 5)).toBe(true);
  await waitFor('an announcement', async () => {
    await sink.write(OWNER, changes({ sequenceNumber: 1 }));
    return told > 0;
  });
  expect((await source.read()).pages).toEqual([{ path: '/a', views: 1 }]);
  expect(await source.readPanes('pages', PANE, PANE + 60_000)).toHaveLength(1);
  await Promise.all([source.readTotals(), source.readLate(), source.readHealth()]);
  source.close();
  redis.disconnect();
  await sink.forget(OWNER);
  await sink.forgetOthers([]);
  expect(await refused()).toEqual([]);
  expect(lines).toEqual([]);
  await admin.call('ACL', 'SETUSER', 'writer', '-hset');
  await expect(sink.claim({ ...OWNER, epoch: 9 })).rejects.toMatchObject({
    code: 'PS_SINK_UNAVAILABLE',
    message: expect.stringMatching(/user .*can't run this command/),
  });
  expect(await admin.hget(ownersKey(PAGES.name), '0')).not.toBe('9');
});

test('two instances on two databases of one Redis know nothing of each other', async () => {
  await open();
  await sink.write({ ...OWNER, epoch: 7 }, changes({ sequenceNumber: 5 }));
  await sink.close();
  const url = new URL(server.url);
  url.pathname = '/1';
  await open(url.href);
  expect(await sink.claim(OWNER)).toBe(1);
  await sink.write(OWNER, changes({ sequenceNumber: 1 }));
  const redis = connectLiveRedis(url.href);
  expect((await createLiveSource(redis, systemClock).read()).pages).toEqual([{ path: '/a', views: 1 }]);
  redis.disconnect();
  expect(await admin.hget(paneKey(PAGES, PANE), '0|/a')).toBe('5');
});

test('while the password is wrong the log says so once, and what fails says why', async () => {
  await open();
  const url = new URL(server.url);
  const { password } = url;
  await admin.config('SET', 'requirepass', 'rotated');
  await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  const refused = { code: 'PS_SINK_UNAVAILABLE', message: expect.stringContaining('WRONGPASS') };
  await waitFor('the refusal', () => logged('WRONGPASS') > 0);
  await expect(sink.write(OWNER, changes({ sequenceNumber: 1 }))).rejects.toMatchObject(refused);
  await expect(sink.ready(1_000)).rejects.toMatchObject(refused);
  expect(logged('WRONGPASS')).toBe(1);
  await admin.config('SET', 'requirepass', password);
  await sink.ready(5_000);
  await sink.write(OWNER, changes({ sequenceNumber: 1 }));
});
