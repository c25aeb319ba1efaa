import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { runConsumer } from '../../../src/consumers/index.js';
import { createLiveFigures } from '../../../src/consumers/live-figures/live-figures.js';
import { parseEvent } from '../../../src/events/index.js';
import {
  createBlobStore,
  createHubPublisher,
  createSubscriptionReceiver,
  createTopicPublisher,
  type HubPublisher,
  openContainer,
  type ReceivedMessage,
} from '../../../src/messaging/index.js';
import {
  connectLiveRedis,
  createLiveSource,
  type LiveFiguresSource,
  type LiveRedis,
} from '../../../src/query/index.js';
import { systemClock } from '../../../src/shared/clock.js';
import { createLogger } from '../../../src/shared/logger.js';
import { partitionForKey } from '../../../src/shared/partition-hash.js';
import { startTestAzurite, type TestAzurite } from '../../helpers/azurite.js';
import { startTestBroker, type TestBroker } from '../../helpers/broker.js';
import { startTestRedis, type TestRedis } from '../../helpers/redis.js';
import { waitFor } from '../../helpers/wait.js';
import { createLine, portOf, withPort } from '../../messaging/azure/line.js';
import {
  openPublisher,
  type PipelineAddresses,
  publish,
  type RunningAggregator,
  startAggregator,
} from '../pipeline.js';
import { product } from './support.js';

let azurite: TestAzurite;
let redisServer: TestRedis;
let redis: LiveRedis;
let broker: TestBroker;
let publisher: HubPublisher;
let source: LiveFiguresSource;
let at: PipelineAddresses;
/** What is to be ended after the test, the last first. */
let ends: (() => Promise<unknown>)[];
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
  ends = [async () => source.close(), () => publisher.close()];
  const { connectionString } = broker;
  const container = `offers-${containers++}`;
  at = {
    hub: connectionString,
    topic: connectionString,
    storage: azurite.connectionString,
    redis: redisServer.url,
    container,
  };
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  await broker.remove();
});

async function start(addresses = at): Promise<RunningAggregator> {
  const aggregator = await startAggregator(addresses);
  ends.push(aggregator.stop);
  return aggregator;
}

let ids = 0;
const looks = (visitor: string, items: string) =>
  [...items].map((item) => ({
    specversion: '1.0',
    id: `look-${ids++}`,
    source: 'shop',
    type: 'view_item',
    time: new Date().toISOString(),
    data: {
      anonymousId: visitor,
      properties: { item_id: item, item_category: product(item).category },
      context: { device: 'mobile' },
      receivedAt: new Date().toISOString(),
    },
  }));

/** Everything that comes to a subscription of the topic from now on. */
async function listen(subscription: string): Promise<ReceivedMessage[]> {
  const messages: ReceivedMessage[] = [];
  const receiver = await createSubscriptionReceiver(
    { connectionString: broker.connectionString },
    { topic: 'events', subscription, concurrency: 4 },
    () => {},
  );
  await receiver.start(async (message) => {
    messages.push(message);
    return { outcome: 'complete' };
  });
  ends.push(() => receiver.stop());
  return messages;
}

/** A message that is behind everything that was sent before it. */
async function mark(messages: readonly ReceivedMessage[]): Promise<void> {
  const messageId = `mark-${ids++}`;
  const topic = createTopicPublisher({ connectionString: broker.connectionString }, 'events', { timeoutMs: 10_000 });
  await topic.send([{ body: '{}', messageId, applicationProperties: { type: 'mark' } }]);
  await topic.close();
  await waitFor('the mark', () => messages.some((message) => message.messageId === messageId));
}

const isOffer = ({ applicationProperties }: ReceivedMessage) => applicationProperties['type'] === 'offer_made';
const offered = async () => (await source.read()).offers.filter(({ offer }) => offer !== undefined);
const counted = (count: number) =>
  waitFor(`${count} events`, async () => ((await source.readTotals())['counted'] ?? 0) === count);

test('an offer is one message on the topic and one row of the live figures, also once it is back in the hub', async () => {
  const access = { connectionString: broker.connectionString };
  const hub = createHubPublisher(access, 'clicks', { timeoutMs: 10_000 });
  const logger = createLogger('test', 'silent');
  const receiver = await createSubscriptionReceiver(
    access,
    { topic: 'events', subscription: 'audit', concurrency: 4 },
    () => {},
  );
  const copying = await runConsumer(
    receiver,
    createLiveFigures({ clock: systemClock, random: Math.random, logger, hub }),
  );
  ends.push(copying.stop);
  const messages = await listen('all');
  await start();
  await publish(publisher, [...looks('v1', 'asb'), ...looks('v2', 'asa')]);
  await waitFor('the offer', () => messages.some(isOffer));
  // The six and the offer, which is one event of the visitor more.
  await counted(7);
  const figures = await source.read();
  expect(figures.visitors.total).toBe(2);
  expect(figures.devices).toEqual({ total: 2, byType: { mobile: 2 } });
  expect(figures.events.filter(({ type }) => type === 'offer_made')).toHaveLength(1);
  expect(figures.offers.filter(({ anonymousId }) => anonymousId === 'v1')).toMatchObject([
    { behaviour: 'outfit', from: 'shoes', to: 'browsing', offer: 'outfit-discount' },
    { behaviour: 'outfit', from: 'clothes', to: 'shoes' },
    { behaviour: 'outfit', from: 'browsing', to: 'clothes' },
  ]);
  expect(await offered()).toHaveLength(1);
  await mark(messages);
  const [message, ...others] = messages.filter(isOffer);
  expect(others).toEqual([]);
  expect(message?.applicationProperties).toEqual({ type: 'offer_made', source: 'shop', offer: 'outfit-discount' });
  const event = parseEvent(message?.body);
  expect(event).toMatchObject({ id: message?.messageId, type: 'offer_made', data: { anonymousId: 'v1' } });
  expect(event.data.properties?.['items']).toHaveLength(3);
});

test('everything counted anew, after the state was lost, makes the same offers, and the topic has them once', async () => {
  const messages = await listen('all');
  const first = await start();
  await publish(publisher, looks('v1', 'asb'));
  await publish(publisher, looks('v2', 'sas'));
  await waitFor('the offer', () => messages.some(isOffer));
  await counted(6);
  await first.stop();
  const container = await openContainer({ connectionString: at.storage }, at.container as string);
  const states = createBlobStore(container);
  for await (const { name } of container.listBlobsFlat()) {
    if (!name.includes('/state/')) continue;
    const stored = await states.read(name);
    await states.write(name, Buffer.from('damaged'), { metadata: {}, ifVersion: stored?.version });
  }
  const second = await start();
  await publish(publisher, looks('v2', 'c'));
  await waitFor('the offer to v2', () => messages.filter(isOffer).length > 1);
  expect(second.opened.every(({ from }) => from === undefined)).toBe(true);
  await mark(messages);
  expect(messages.filter(isOffer).map(({ body }) => parseEvent(body).data.anonymousId)).toEqual(['v1', 'v2']);
  expect(await offered()).toHaveLength(2);
});

/** Offers that wait for the topic, as the readers of the partitions tell. */
const waiting = async () =>
  [...(await source.readHealth()).values()].reduce((sum, { offersWaiting }) => sum + offersWaiting, 0);

test('while the topic is away the figures go on, and what was offered meanwhile comes once when it is back', async () => {
  const messages = await listen('all');
  const line = await createLine(portOf(broker.connectionString));
  const first = await start({ ...at, topic: withPort(broker.connectionString, line.port) });
  line.cut();
  await publish(publisher, looks('v1', 'asb'));
  await counted(3);
  await waitFor('the transitions', async () => (await offered()).length === 1);
  // Whoever has the partition next has the offer that waits in it.
  await first.stop();
  await start({ ...at, topic: withPort(broker.connectionString, line.port) });
  await publish(publisher, looks('v2', 'ast'));
  await counted(6);
  expect(messages).toEqual([]);
  await waitFor('the offer to be told of as waiting', async () => (await waiting()) === 1);
  line.connectTo(portOf(broker.connectionString));
  await waitFor('the offer', () => messages.some(isOffer));
  await waitFor('it to be told of as sent', async () => (await waiting()) === 0);
  await mark(messages);
  expect(messages.filter(isOffer)).toHaveLength(1);
  ends.push(async () => line.close());
});

test('the offers of all partitions are shown together, newest first', async () => {
  await start();
  const visitors = Array.from({ length: 12 }, (_, index) => `visitor-${index}`);
  expect(new Set(visitors.map((visitor) => partitionForKey(visitor, 4))).size).toBe(4);
  for (const visitor of visitors) await publish(publisher, looks(visitor, 'asb'));
  await counted(36);
  await waitFor('the newest', async () => (await source.read()).offers.length === 20);
  const { offers } = await source.read();
  const times = offers.map(({ time }) => time);
  expect(times).toEqual([...times].sort().reverse());
  expect(new Set(offers.map(({ anonymousId }) => anonymousId)).size).toBeGreaterThanOrEqual(6);
});
