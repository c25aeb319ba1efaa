import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createLiveFeed, liveFeedDefaults } from '../../src/dashboard/live-feed.js';
import type { HubPublisher } from '../../src/messaging/index.js';
import { createBlobStore, openContainer } from '../../src/messaging/index.js';
import { connectLiveRedis, createLiveSource, type LiveFiguresSource, type LiveRedis } from '../../src/query/index.js';
import { systemClock } from '../../src/shared/clock.js';
import type { LiveFigures } from '../../src/shared/live.js';
import { singleKey, TOTALS } from '../../src/shared/live-keys.js';
import { startTestAzurite, type TestAzurite } from '../helpers/azurite.js';
import { startTestBroker, type TestBroker, testTopology } from '../helpers/broker.js';
import { atom } from '../helpers/hub-clients.js';
import { startTestRedis, type TestRedis } from '../helpers/redis.js';
import { waitFor } from '../helpers/wait.js';
import { createLine, portOf, withPort } from '../messaging/azure/line.js';
import { openPublisher, type PipelineAddresses, publish, type RunningAggregator, startAggregator } from './pipeline.js';

let azurite: TestAzurite;
let redisServer: TestRedis;
let redis: LiveRedis;
let broker: TestBroker;
let publisher: HubPublisher;
let source: LiveFiguresSource;
let at: PipelineAddresses;
const running: RunningAggregator[] = [];
let containers = 0;

beforeAll(async () => {
  [azurite, redisServer] = await Promise.all([startTestAzurite(), startTestRedis()]);
  redis = connectLiveRedis(redisServer.url);
});
afterAll(async () => {
  redis.disconnect();
  await Promise.all([azurite.stop(), redisServer.stop()]);
});
beforeEach(async () => {
  await redis.flushall();
  broker = await startTestBroker();
  publisher = await openPublisher(broker.connectionString);
  source = createLiveSource(redis, systemClock);
  // Every broker is `localhost`, so each test has a container of its own.
  const container = `checkpoints-${containers++}`;
  at = { hub: broker.connectionString, storage: azurite.connectionString, redis: redisServer.url, container };
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((aggregator) => aggregator.stop()));
  source.close();
  await publisher.close();
  await broker.remove();
});

async function start(): Promise<RunningAggregator> {
  const aggregator = await startAggregator(at);
  running.push(aggregator);
  return aggregator;
}

async function stop(aggregator: RunningAggregator): Promise<void> {
  running.splice(running.indexOf(aggregator), 1);
  await aggregator.stop();
}

let ids = 0;
const views = (count: number, path = '/') =>
  Array.from({ length: count }, () => ({
    specversion: '1.0',
    id: `e${ids++}`,
    source: 'shop',
    type: 'page_view',
    time: new Date().toISOString(),
    data: { anonymousId: `v${ids % 40}`, page: { path }, context: { device: 'mobile' } },
  }));

const viewsOf = async (path: string) => {
  const { pages } = await source.read();
  return pages.find((page) => page.path === path)?.views ?? 0;
};
const shown = (path: string, views: number) =>
  waitFor(`${views} views of ${path}`, async () => (await viewsOf(path)) === views);

test('what is sent to the hub is in the live figures, and late readers find the same', async () => {
  await start();
  await publish(publisher, views(400, '/a'));
  await shown('/a', 400);
  const figures = await source.read();
  expect(figures.visitors.total).toBe(40);
  expect(figures.devices).toEqual({ total: 40, byType: { mobile: 40 } });
  expect(figures.events).toHaveLength(100);
  expect(figures.visitorsLatest).toHaveLength(10);
  expect(await source.readTotals()).toMatchObject({ counted: 400 });
});

test('a stopped aggregator goes on where it was: nothing twice, nothing missing', async () => {
  const first = await start();
  await publish(publisher, views(200, '/a'));
  await shown('/a', 200);
  await stop(first);
  await publish(publisher, views(100, '/a'));
  const second = await start();
  await shown('/a', 300);
  expect(second.opened.filter(({ from }) => from !== undefined)).toHaveLength(4);
  expect(await source.readTotals()).toEqual({ counted: 300 });
});

test('an unreadable state is made anew from what the hub retains', async () => {
  const first = await start();
  await publish(publisher, views(200, '/a'));
  await shown('/a', 200);
  await stop(first);
  const container = await openContainer({ connectionString: at.storage }, at.container as string);
  const states = createBlobStore(container);
  for (const partition of [0, 1, 2, 3]) {
    const name = `localhost/clicks/aggregators/state/g8/${partition}`;
    const stored = await states.read(name);
    await states.write(name, Buffer.from('damaged'), { metadata: stored?.metadata ?? {}, ifVersion: stored?.version });
  }
  const second = await start();
  await publish(publisher, views(50, '/a'));
  await shown('/a', 250);
  expect(second.opened.every(({ from }) => from === undefined)).toBe(true);
  expect(await source.readTotals()).toEqual({ counted: 250 });
  await stop(second);
  const third = await start();
  await waitFor('the partitions', () => third.opened.length === 4);
  expect(third.opened.every(({ from }) => from !== undefined)).toBe(true);
});

test('after the storage account was lost with all states and epochs, the figures are made anew and go on', async () => {
  const first = await start();
  await publish(publisher, views(100, '/a'));
  await shown('/a', 100);
  await stop(first);
  const again = await start();
  await waitFor('the partitions', () => again.opened.length === 4);
  await stop(again);
  at = { ...at, container: `checkpoints-${containers++}` };
  await publish(publisher, views(100, '/a'));
  const anew = await start();
  await shown('/a', 200);
  expect(anew.opened.every(({ from }) => from === undefined)).toBe(true);
  expect(await source.readTotals()).toEqual({ counted: 200 });
});

test('a hub that was replaced by a new one is counted anew', async () => {
  const first = await start();
  await publish(publisher, views(400, '/a'), { packSize: 5 });
  await shown('/a', 400);
  await stop(first);
  await publisher.close();
  await broker.remove();
  broker = await startTestBroker();
  at = { ...at, hub: broker.connectionString };
  publisher = await openPublisher(broker.connectionString);
  await publish(publisher, views(40, '/b'));
  await start();
  await shown('/b', 40);
  expect(await viewsOf('/a')).toBe(0);
  expect(await source.readTotals()).toEqual({ counted: 40 });
});

test.each(['killed', 'stopped'])('after the broker was %s and started again reading goes on by itself', async (how) => {
  const line = await createLine(portOf(broker.connectionString));
  at = { ...at, hub: withPort(broker.connectionString, line.port) };
  const aggregator = await start();
  await publish(publisher, views(100, '/a'));
  await shown('/a', 100);
  await publisher.close();
  if (how === 'killed') line.cut();
  await broker.stop();
  await waitFor('the loss to be noticed', () => aggregator.errors.length > 0);
  broker = await startTestBroker(testTopology, { dataDir: broker.dataDir });
  publisher = await openPublisher(broker.connectionString);
  await publish(publisher, views(100, '/a'));
  line.connectTo(portOf(broker.connectionString));
  await shown('/a', 200);
  expect(await source.readTotals()).toEqual({ counted: 200 });
  await stop(aggregator);
  line.close();
});

test('a Redis that lost everything is filled again from the state', async () => {
  await start();
  await publish(publisher, views(100, '/a'));
  await shown('/a', 100);
  await redis.flushall();
  await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await shown('/a', 100);
  expect((await source.read()).events).toHaveLength(100);
});

test('a Redis that is emptied while the connection stays is filled again with the next event', async () => {
  await start();
  await publish(publisher, views(100, '/a'));
  await shown('/a', 100);
  await redis.flushall();
  await publish(publisher, views(1, '/a'));
  await shown('/a', 101);
  expect((await source.read()).events).toHaveLength(100);
});

/** What does not change with the minute. */
const lasting = ({ visitors, sessions, devices, pages, events, visitorsLatest, metrics }: LiveFigures) => ({
  ...{ devices, pages, events, visitorsLatest, visitors: visitors.total, open: sessions.open },
  metrics: Object.entries(metrics).map(([name, { values }]) => ({ name, values })),
});

/** What a viewer of the live page has, who applies each message. */
function watch() {
  const deps = { source, clock: systemClock, epoch: 'e', onReadError: () => {} };
  const feed = createLiveFeed(deps, liveFeedDefaults);
  let figures: LiveFigures | undefined;
  feed.join({
    send({ kind, json }) {
      figures = kind === 'snapshot' ? JSON.parse(json) : { ...figures, ...JSON.parse(json) };
      return true;
    },
    close() {},
  });
  return { lasting: () => figures && lasting(figures), stop: () => feed.stop() };
}

test('a Redis that is emptied while nothing comes is filled again, and who watches sees all of it', async () => {
  await start();
  await publish(publisher, views(100, '/a'));
  await shown('/a', 100);
  await waitFor('the saves, after which nothing is left to do', async () => {
    const partitions = [...(await source.readHealth()).values()];
    return partitions.length === 4 && partitions.every(({ savedAt }) => savedAt !== null);
  });
  const before = lasting(await source.read());
  const viewer = watch();
  await waitFor('the snapshot', () => isDeepStrictEqual(viewer.lasting(), before));
  await redis.flushall();
  await waitFor('the totals in Redis', async () => (await redis.exists(singleKey(TOTALS))) === 1);
  await waitFor('the figures', async () => isDeepStrictEqual(lasting(await source.read()), before));
  expect(await source.readTotals()).toEqual({ counted: 100 });
  await publish(publisher, views(1, '/a'));
  await shown('/a', 101);
  const after = lasting(await source.read());
  await waitFor('the viewer to see it', () => isDeepStrictEqual(viewer.lasting(), after));
  viewer.stop();
});

test('two aggregators share the partitions, and one takes over all when the other stops', async () => {
  const first = await start();
  await waitFor('all partitions', () => first.opened.length === 4);
  const second = await start();
  await waitFor('a share', () => second.opened.length >= 2);
  await publish(publisher, views(200, '/a'));
  await shown('/a', 200);
  await stop(first);
  await publish(publisher, views(200, '/a'));
  await shown('/a', 400);
  expect(await source.readTotals()).toEqual({ counted: 400 });
});

/** Deletes the hub and makes it again, and sends it a hub event for each of these. */
async function replaceHub(partitionCount: number, pages: ReturnType<typeof views>): Promise<void> {
  const xmlns = 'xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect"';
  await atom(at.hub, 'clicks', { method: 'DELETE' });
  const partitions = `<PartitionCount>${partitionCount}</PartitionCount>`;
  const hub = `<EventHubDescription ${xmlns}>${partitions}</EventHubDescription>`;
  await atom(at.hub, 'clicks', { method: 'PUT', description: hub });
  const description = `<ConsumerGroupDescription ${xmlns}/>`;
  await atom(at.hub, 'clicks/consumergroups/aggregators', { method: 'PUT', description });
  const next = await openPublisher(at.hub);
  await publish(next, pages, { packSize: 1, partitionCount });
  await next.close();
}

test('a hub that was deleted and made again is another one, however many events it has: the figures are of it alone', async () => {
  const first = await start();
  await publish(publisher, views(40, '/of-the-former'), { packSize: 1 });
  await shown('/of-the-former', 40);
  await stop(first);
  await replaceHub(4, views(200, '/of-the-next'));
  const second = await start();
  await shown('/of-the-next', 200);
  expect(await viewsOf('/of-the-former')).toBe(0);
  expect(second.opened.map(({ from }) => from)).toEqual([undefined, undefined, undefined, undefined]);
  // From now on it is the hub that the saved state is of.
  await stop(second);
  const third = await start();
  await waitFor('all partitions to be opened', () => third.opened.length === 4);
  expect(third.opened.every(({ from }) => from !== undefined)).toBe(true);
});

test('so it is when the saved states are lost too, and of partitions that it does not have any more nothing is left', async () => {
  const first = await start();
  await publish(publisher, views(400, '/of-the-former'), { packSize: 1 });
  await shown('/of-the-former', 400);
  await stop(first);
  await replaceHub(2, views(450, '/of-the-next'));
  at = { ...at, container: `checkpoints-${containers++}` };
  await start();
  await shown('/of-the-next', 450);
  await waitFor('the former hub to be forgotten', async () => (await source.readHealth()).size === 2);
  expect(await viewsOf('/of-the-former')).toBe(0);
  expect(await source.readTotals()).toEqual({ counted: 450 });
});

test('a container that is removed under two aggregators is made again: the figures go on, and so does who comes next', async () => {
  const [first, second] = [await start(), await start()];
  await publish(publisher, views(200, '/a'));
  await shown('/a', 200);
  const container = await openContainer({ connectionString: at.storage }, at.container as string);
  await container.delete();
  await publish(publisher, views(100, '/a'));
  await shown('/a', 300);
  const states = createBlobStore(container);
  const isSaved = async (partition: number) => {
    const blob = await states.read(`localhost/clicks/aggregators/state/g8/${partition}`);
    return blob !== undefined && blob.bytes.length > 0;
  };
  await waitFor('the states', async () => (await Promise.all([0, 1, 2, 3].map(isSaved))).every(Boolean));
  await stop(first);
  await stop(second);
  await publish(publisher, views(100, '/a'));
  const third = await start();
  await shown('/a', 400);
  expect(third.opened.every(({ from }) => from !== undefined)).toBe(true);
  expect(await source.readTotals()).toEqual({ counted: 400 });
});
