import type { Cluster, Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRedisSink, type LiveSink } from '../../../src/aggregators/sink/redis-sink.js';
import type { StateChanges } from '../../../src/aggregators/state/changes.js';
import {
  connectLiveRedis,
  createLiveSource,
  type LiveFiguresSource,
  type LiveRedis,
} from '../../../src/query/index.js';
import { systemClock } from '../../../src/shared/clock.js';
import { createLogger } from '../../../src/shared/logger.js';
import { startTestRedisCluster, type TestRedisCluster } from '../../helpers/redis-cluster.js';
import { waitFor } from '../../helpers/wait.js';
import { createPartitionDriver, pageView, START_MS } from '../driver.js';

let cluster: TestRedisCluster;
let sink: LiveSink;
let redis: LiveRedis;
let source: LiveFiguresSource;

beforeAll(async () => {
  cluster = await startTestRedisCluster();
  sink = createRedisSink(cluster.url, createLogger('test', 'silent'));
  await sink.ready(20_000);
  redis = connectLiveRedis(cluster.url);
  source = createLiveSource(redis, systemClock);
});
afterAll(async () => {
  source.close();
  redis.disconnect();
  await sink.close();
  await cluster.stop();
});

const owner = (epoch = 1) => ({ partition: '0', epoch });

/** Everything that changes when so many visitors look at pages now. */
function changesOf(visitors: number): StateChanges {
  const driver = createPartitionDriver();
  const nowMs = systemClock.now() - START_MS;
  driver.send(Array.from({ length: visitors }, (_, at) => pageView(nowMs, { visitor: `v${at}`, path: `/${at % 3}` })));
  driver.read();
  return driver.state.takeChanges() as StateChanges;
}

test('the figures are spread over the nodes, written, read and announced', async () => {
  let told = 0;
  const stop = source.subscribe(() => told++);
  // Announcements before the subscription stands are lost, so it is written until one comes.
  await waitFor('an announcement', async () => {
    await sink.write(owner(), changesOf(9));
    return told > 1;
  });
  stop();
  const figures = await waitFor('the figures', async () => {
    const read = await source.read();
    return read.visitors.total === 9 ? read : undefined;
  });
  expect(figures.pages).toEqual(['/0', '/1', '/2'].map((path) => ({ path, views: 3 })));
  expect(figures.events).toHaveLength(9);
  expect(await source.readTotals()).toEqual({ counted: 9 });
  const keys = await Promise.all((redis as Cluster).nodes('master').map((node) => node.dbsize()));
  expect(keys).toHaveLength(3);
  expect(Math.min(...keys)).toBeGreaterThan(0);
});

test('a later owner fences the former one on every node', async () => {
  expect(await sink.claim(owner(2))).toBe(2);
  await expect(sink.write(owner(1), changesOf(9))).rejects.toMatchObject({ code: 'PS_PARTITION_FENCED' });
  await sink.forget(owner(2));
  expect(await source.readTotals()).toEqual({});
  await sink.write(owner(2), changesOf(4));
  expect(await source.readTotals()).toEqual({ counted: 4 });
});

test('a node that was killed is noticed though nobody writes, and what it had can be written to its successor', async () => {
  await sink.write(owner(2), changesOf(5));
  let recovered = 0;
  sink.onRecovered(() => recovered++);
  const [node] = cluster.nodes;
  await node?.kill();
  await waitFor('the sink to notice', () => recovered > 0);
  await node?.restart();
  await waitFor('it to be written again', () => sink.write(owner(2), changesOf(6)).then(() => true));
  expect((await waitFor('the figures', () => source.readTotals()))['counted']).toBe(6);
});

test('one node alone that was emptied is noticed by a look', async () => {
  await sink.write(owner(2), changesOf(5));
  let recovered = 0;
  const stop = sink.onRecovered(() => recovered++);
  for (const node of (redis as Cluster).nodes('master')) {
    await sink.claim(owner(2));
    await sink.look(owner(2));
    expect(recovered).toBe(0);
    await node.flushall();
    await sink.look(owner(2));
    expect(recovered).toBe(1);
    recovered = 0;
  }
  stop();
});

/** As `redis-cli --cluster reshard` does it; `meanwhile` is begun when half of the keys are on their way. */
async function moveSlot(slot: number, [from, to]: readonly [Redis, Redis], meanwhile: () => Promise<void>) {
  const [fromId, toId] = await Promise.all([from, to].map((node) => node.cluster('MYID') as Promise<string>));
  await to.cluster('SETSLOT', slot, 'IMPORTING', fromId as string);
  await from.cluster('SETSLOT', slot, 'MIGRATING', toId as string);
  const { host = '', port = 0, password = '' } = to.options;
  const keys = await from.cluster('GETKEYSINSLOT', slot, 1_000);
  const half = Math.ceil(keys.length / 2);
  for (const key of keys.slice(0, half)) await from.migrate(host, port, key, 0, 1_000, 'AUTH', password);
  const other = meanwhile();
  for (const key of keys.slice(half)) await from.migrate(host, port, key, 0, 1_000, 'AUTH', password);
  for (const node of [to, from]) await node.cluster('SETSLOT', slot, 'NODE', toId as string);
  await other;
}

test('slots that move to another node while they are written cost no write, and the figures stay whole', async () => {
  const driver = createPartitionDriver();
  let views = 0;
  const view = async () => {
    driver.send([pageView(systemClock.now() - START_MS, { visitor: `v${views++}` })]);
    driver.read();
    const changes = driver.state.takeChanges() as StateChanges;
    await sink.write(owner(2), changes);
    driver.state.written(changes);
  };
  await sink.forget(owner(2));
  await view();
  const slots = new Set<number>();
  const nodes = (redis as Cluster).nodes('master');
  const sizes = await Promise.all(nodes.map((node) => node.dbsize()));
  const from = nodes[sizes.indexOf(Math.max(...sizes))] as Redis;
  const to = nodes.find((node) => node !== from) as Redis;
  for (const key of await from.keys('*')) slots.add(await from.cluster('KEYSLOT', key));
  expect(slots.size).toBeGreaterThan(0);
  for (const slot of slots) await moveSlot(slot, [from, to], view);
  await view();
  for (const slot of slots) expect(await from.cluster('COUNTKEYSINSLOT', slot)).toBe(0);
  expect(await source.readTotals()).toEqual({ counted: views });
  expect(views).toBeGreaterThan(slots.size);
});
