import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { createRedisSink } from '../../../src/aggregators/sink/redis-sink.js';
import { createLiveStore } from '../../../src/query/live/store.js';
import { CATALOGUE_KEY, ownersKey, paneKey } from '../../../src/shared/live-keys.js';
import { createLogger } from '../../../src/shared/logger.js';
import { startProxy } from '../../helpers/proxy.js';
import { startTestRedis, type TestRedis } from '../../helpers/redis.js';
import { waitFor } from '../../helpers/wait.js';
import { change, health, owner, PAGES, PANE, startSinkRig } from './rig.js';

const { redis, sink } = await startSinkRig();

test('a Redis that was emptied is noticed by the next write to it, though the connection stayed', async () => {
  let noticed = 0;
  const stop = sink.onRecovered(() => noticed++);
  await sink.claim(owner('0'));
  await sink.write(owner('0'), change(1, PANE, { '/a': 1 }));
  await sink.write(owner('0'), change(2, PANE, { '/a': 2 }));
  expect(noticed).toBe(0);
  await redis.flushall();
  await sink.write(owner('0'), change(3, PANE + 60_000, { '/a': 1 }));
  expect(noticed).toBe(1);
  await sink.write(owner('0'), change(4, PANE, { '/a': 3 }));
  stop();
  expect(noticed).toBe(1);
});

test.each([
  ['this owner', 2],
  ['a former owner', 1],
])('a Redis that went back to an older copy, of %s, is noticed', async (_, epoch) => {
  let noticed = 0;
  const stop = sink.onRecovered(() => noticed++);
  await sink.claim(owner('0', epoch));
  await sink.write(owner('0', epoch), change(epoch === 2 ? 5 : 50, PANE, { '/a': 1 }));
  const keys = await redis.keys('*');
  const copies = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
  await sink.claim(owner('0', 2));
  await sink.write(owner('0', 2), change(6, PANE, { '/a': 2 }));
  expect(noticed).toBe(0);
  await redis.flushall();
  for (const [index, key] of keys.entries()) await redis.restore(key, 0, copies[index] as Buffer);
  await sink.write(owner('0', 2), change(7, PANE + 60_000, { '/a': 1 }));
  stop();
  expect(noticed).toBe(1);
});

/** How often a loss is noticed meanwhile. */
async function lossesDuring(what: () => Promise<unknown>): Promise<number> {
  let noticed = 0;
  const stop = sink.onRecovered(() => noticed++);
  await what();
  stop();
  return noticed;
}

test('a look finds nothing lost where nothing is, of an owner that has written and one that has not', async () => {
  await sink.claim(owner('7'));
  expect(await lossesDuring(() => sink.look(owner('7')))).toBe(0);
  await sink.write(owner('7'), change(1, PANE, { '/a': 1 }));
  await sink.report(owner('7'), health(1));
  expect(await lossesDuring(() => sink.look(owner('7')))).toBe(0);
});

test('a Redis that was emptied is noticed by a look, and so is the loss of a claim alone', async () => {
  await sink.claim(owner('0'));
  expect(await lossesDuring(() => redis.flushall().then(() => sink.look(owner('0'))))).toBe(1);
  await sink.claim(owner('0'));
  expect(await lossesDuring(() => redis.del(ownersKey('revenue')).then(() => sink.look(owner('0'))))).toBe(1);
});

test('a Redis that went back to an older copy is noticed by a look', async () => {
  await sink.claim(owner('0'));
  await sink.write(owner('0'), change(5, PANE, { '/a': 1 }));
  const keys = await redis.keys('*');
  const copies = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
  await sink.write(owner('0'), change(6, PANE, { '/a': 2 }));
  await redis.flushall();
  for (const [index, key] of keys.entries()) await redis.restore(key, 0, copies[index] as Buffer);
  expect(await lossesDuring(() => sink.look(owner('0')))).toBe(1);
});

test('what a later owner removed is no loss of the owner before it', async () => {
  await sink.claim(owner('0'));
  await sink.write(owner('0'), change(5, PANE, { '/a': 1 }));
  await sink.claim(owner('0', 2));
  await sink.forget(owner('0', 2));
  expect(await lossesDuring(() => sink.look(owner('0')))).toBe(0);
});

test('a look writes nothing', async () => {
  await sink.claim(owner('8'));
  const changes = async () => /rdb_changes_since_last_save:(\d+)/.exec(await redis.info('persistence'))?.[1];
  const before = await changes();
  await sink.look(owner('8'));
  expect(await changes()).toBe(before);
});

test('a reader does not take a pane that was written anew for the one that it has', async () => {
  const store = createLiveStore(redis);
  const read = async () => (await store.readPanes(PAGES, [PANE])).get(PANE)?.values.get('/a');
  await sink.write(owner('0'), change(1, PANE, { '/a': 1 }));
  expect(await read()).toBe(1);
  await redis.flushall();
  await sink.write(owner('0'), change(2, PANE, { '/a': 2 }));
  expect(await read()).toBe(2);
});

test('a restarted Redis is noticed, and a write that fails says so at once', async () => {
  const other = await startTestRedis();
  const ownSink = createRedisSink(other.url, createLogger('test', 'silent'));
  await ownSink.ready(10_000);
  let recovered = 0;
  ownSink.onRecovered(() => recovered++);
  const connection = new Redis(other.url);
  await connection.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await waitFor('the reconnect', () => recovered === 1);
  await ownSink.write(owner('0'), change(1, PANE, { '/a': 1 }));
  connection.disconnect();
  await other.kill();
  await expect(ownSink.write(owner('0'), change(2, PANE, { '/a': 2 }))).rejects.toThrow();
  await ownSink.close();
  await other.stop();
});

test('a Redis that becomes a replica and keeps its connections is left for the one that took its place, which gets everything', async () => {
  const [former, next] = await Promise.all([startTestRedis(), startTestRedis()]);
  const portOf = ({ url }: TestRedis) => Number(new URL(url).port);
  const [formerRedis, nextRedis] = [new Redis(former.url), new Redis(next.url)];
  const follow = async (replica: Redis, of: TestRedis) => {
    await replica.config('SET', 'masterauth', decodeURIComponent(new URL(of.url).password));
    await replica.replicaof('127.0.0.1', portOf(of));
    await waitFor('the replica', async () => (await replica.info('replication')).includes('master_link_status:up'));
  };
  await follow(nextRedis, former);
  const proxy = await startProxy(portOf(former));
  const url = new URL(former.url);
  url.port = String(proxy.port);
  const ownSink = createRedisSink(url.href, createLogger('test', 'silent'));
  await ownSink.ready(10_000);
  await ownSink.claim(owner('0'));
  await ownSink.write(owner('0'), change(1, PANE, { '/a': 1 }));
  let recovered = 0;
  ownSink.onRecovered(() => recovered++);

  await waitFor('replication', async () => (await nextRedis.exists(paneKey(PAGES, PANE))) === 1);
  await nextRedis.replicaof('NO', 'ONE');
  proxy.retarget(portOf(next));
  await follow(formerRedis, next);
  await expect(ownSink.write(owner('0'), change(2, PANE, { '/a': 2, '/b': 1 }))).rejects.toThrow();
  await waitFor('the reconnect', () => recovered > 0);
  await ownSink.write(owner('0'), change(2, PANE, { '/a': 2, '/b': 1 }));
  const read = async () => (await createLiveStore(nextRedis).readPanes(PAGES, [PANE])).get(PANE)?.values;
  expect(Object.fromEntries((await read()) ?? [])).toEqual({ '/a': 2, '/b': 1 });

  await ownSink.close();
  for (const connection of [formerRedis, nextRedis]) connection.disconnect();
  await proxy.stop();
  await Promise.all([former.stop(), next.stop()]);
});

test('metrics that could not be announced, because Redis was full, are announced with the next write', async () => {
  const other = await startTestRedis();
  const lines: string[] = [];
  const logger = createLogger('test', 'warn', { write: (line: string) => void lines.push(line) });
  const ownSink = createRedisSink(other.url, logger);
  await ownSink.ready(10_000);
  const connection = new Redis(other.url);
  await connection.flushall();
  await connection.config('SET', 'maxmemory', '1');
  await connection.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await waitFor('the announcement to fail', () => lines.some((line) => line.includes('could not be announced')));
  await connection.config('SET', 'maxmemory', '0');
  await ownSink.write(owner('0'), change(1, PANE, { '/a': 1 }));
  await waitFor('the announcement', async () => (await connection.hexists(CATALOGUE_KEY, PAGES.name)) === 1);
  connection.disconnect();
  await ownSink.close();
  await other.stop();
});
