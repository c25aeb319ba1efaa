import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventHubConsumerClient, earliestEventPosition } from '@azure/event-hubs';
import { ServiceBusClient } from '@azure/service-bus';
import { afterEach, describe, expect, it } from 'vitest';
import { type PenstockEvent, parseEvent, parsePack } from '../../src/events/index.js';
import { createGateway, type Gateway, type GatewayOptions, openSpoolStore } from '../../src/gateway/index.js';
import { createHubPublisher, createTopicPublisher } from '../../src/messaging/index.js';
import { systemClock } from '../../src/shared/clock.js';
import { configSchema } from '../../src/shared/config/index.js';
import { createLogger } from '../../src/shared/logger.js';
import { startTestBroker, type TestBroker, testTopology } from '../helpers/broker.js';
import { atom } from '../helpers/hub-clients.js';
import { startProxy } from '../helpers/proxy.js';
import { waitFor } from '../helpers/wait.js';

const WRITE_KEY = 'a-write-key';
const XMLNS = 'http://schemas.microsoft.com/netservices/2010/10/servicebus/connect';
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startBroker(options: { dataDir: string; port?: number }): Promise<TestBroker> {
  const broker = await startTestBroker(testTopology, options);
  cleanups.push(() => broker.stop());
  return broker;
}

async function startGateway(
  connectionString: string,
  overrides: Partial<GatewayOptions> = {},
  deps: Partial<Parameters<typeof createGateway>[0]> = {},
) {
  const options = configSchema.parse({}).gateway;
  const publisherOptions = { timeoutMs: options.limits.publishTimeoutMs };
  const access = { connectionString };
  const gateway: Gateway = await createGateway(
    {
      clock: systemClock,
      random: Math.random,
      logger: createLogger('test-gateway', 'fatal'),
      openHub: (name) => createHubPublisher(access, name, publisherOptions),
      openTopic: (name) => createTopicPublisher(access, name, publisherOptions),
      ...deps,
    },
    { ...options, sources: [{ name: 'shop', writeKey: WRITE_KEY }], ...overrides },
  );
  const url = await gateway.listen({ host: '127.0.0.1', port: 0 });
  cleanups.push(() => gateway.stop({ deadlineMs: 5000 }));
  const post = (events: unknown) =>
    fetch(`${url}/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${WRITE_KEY}` },
      body: JSON.stringify(events),
    });
  const isReady = async () => (await fetch(`${url}/readyz`)).status === 200;
  return { gateway, url, post, isReady };
}

/** Every event that the hub holds, by partition and in order, once `count` have come. */
async function readHub(connectionString: string, count: number): Promise<PenstockEvent[][]> {
  const client = new EventHubConsumerClient('replay', connectionString, 'clicks');
  const partitions: PenstockEvent[][] = [[], [], [], []];
  const subscription = client.subscribe(
    {
      processEvents: async (events, context) => {
        for (const event of events) partitions[Number(context.partitionId)]?.push(...parsePack(event.body));
      },
      processError: async () => {},
    },
    { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 1 },
  );
  await waitFor('events in the hub', () => partitions.flat().length >= count);
  await subscription.close();
  await client.close();
  return partitions;
}

async function readTopic(connectionString: string, subscription: string, count: number) {
  const client = new ServiceBusClient(connectionString);
  const receiver = client.createReceiver('events', subscription);
  const messages = [];
  while (messages.length < count) {
    for (const message of await receiver.receiveMessages(count, { maxWaitTimeInMs: 10_000 })) {
      await receiver.completeMessage(message);
      messages.push(message);
    }
  }
  await client.close();
  return messages;
}

async function freshDataDir(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'penstock-gateway-'));
  cleanups.push(() => rm(dataDir, { recursive: true, force: true }));
  return dataDir;
}

describe('the gateway over a real broker', () => {
  it('packs clicks by visitor, in order, and sends each order once, however often it is told', async () => {
    const broker = await startBroker({ dataDir: await freshDataDir() });
    const { post } = await startGateway(broker.connectionString);
    const visitors = Array.from({ length: 20 }, (_, index) => `visitor-${index}`);
    for (let round = 0; round < 10; round++) {
      const responses = await Promise.all(
        visitors.map((anonymousId) => post([{ type: 'page_view', id: `${anonymousId}:${round}`, anonymousId }])),
      );
      for (const response of responses) expect(response.status).toBe(200);
    }
    const partitions = await readHub(broker.connectionString, 200);
    expect(partitions.flat()).toHaveLength(200);
    for (const visitor of visitors) {
      const seen = partitions.map((events) => events.filter((event) => event.data.anonymousId === visitor));
      const home = seen.filter((events) => events.length > 0);
      expect(home).toHaveLength(1);
      expect(home[0]?.map((event) => event.id)).toEqual(
        Array.from({ length: 10 }, (_, round) => `${visitor}:${round}`),
      );
    }

    const order = {
      type: 'purchase',
      userId: 'u',
      transaction_id: 'T1',
      value: 10,
      currency: 'EUR',
      context: { country: 'DE' },
    };
    for (let times = 0; times < 3; times++) expect((await post(order)).status).toBe(200);
    expect((await post({ type: 'generate_lead', id: 'lead-1' })).status).toBe(200);
    const messages = await readTopic(broker.connectionString, 'audit', 2);
    expect(messages.map((message) => message.messageId)).toEqual(['purchase:T1', 'lead-1']);
    expect(messages[0]).toMatchObject({
      contentType: 'application/cloudevents+json',
      applicationProperties: {
        type: 'purchase',
        source: 'shop',
        country: 'DE',
        currency: 'EUR',
        value: 10,
        userId: 'u',
      },
    });
    expect(parseEvent(messages[0]?.body)).toMatchObject({ type: 'purchase', subject: 'u' });
  });

  it('takes ten thousand events in one body', async () => {
    const broker = await startBroker({ dataDir: await freshDataDir() });
    const { post } = await startGateway(broker.connectionString);
    const events = Array.from({ length: 10_000 }, (_, index) => ({
      type: 'click',
      id: `e${index}`,
      anonymousId: `v${index % 99}`,
    }));
    const { results } = (await (await post(events)).json()) as { results: { outcome: string }[] };
    expect(results.filter((result) => result.outcome === 'accepted')).toHaveLength(10_000);
    const ids = new Set((await readHub(broker.connectionString, 10_000)).flat().map((event) => event.id));
    expect(ids.size).toBe(10_000);
  });

  it('without a broker it claims nothing; with one it works again by itself, and what it said is there', async () => {
    const dataDir = await freshDataDir();
    const first = await startBroker({ dataDir });
    const { post, isReady } = await startGateway(first.connectionString);
    const claimed: string[] = [];
    const refused: number[] = [];
    let next = 0;
    const send = async () => {
      const id = `e${next++}`;
      const lead = { type: 'generate_lead', id: `lead-${id}` };
      const response = await post([{ type: 'click', id, anonymousId: id }, ...(next % 10 === 0 ? [lead] : [])]);
      if (response.status !== 200) refused.push(response.status);
      else {
        const { results } = (await response.json()) as { results: { id: string; outcome: string }[] };
        for (const result of results) if (result.outcome === 'accepted') claimed.push(result.id);
      }
    };
    for (let outage = 0, broker = first; outage < 2; outage++) {
      for (let count = 0; count < 50; count++) await send();
      const stopping = broker.stop();
      await waitFor('the outage to be seen', async () => {
        await send();
        return !(await isReady());
      });
      await stopping;
      const before = refused.length;
      await send();
      expect(refused.slice(before)).toEqual([503]);
      broker = await startBroker({ dataDir, port: first.port });
      await waitFor('the gateway to recover', isReady);
      for (let count = 0; count < 50; count++) await send();
    }
    const clicks = claimed.filter((id) => !id.startsWith('lead-'));
    expect(clicks.length).toBeGreaterThanOrEqual(200);
    const held = (await readHub(first.connectionString, clicks.length)).flat().map((event) => event.id);
    expect(clicks.filter((id) => !held.includes(id))).toEqual([]);
    const leads = claimed.filter((id) => id.startsWith('lead-'));
    const messages = await readTopic(first.connectionString, 'audit', leads.length);
    expect(new Set(messages.map((message) => message.messageId))).toEqual(new Set(leads));
  });

  it('an order is one though its broker took it and was cut off before it said so, and a click is known by its id', async () => {
    const dataDir = await freshDataDir();
    const { connectionString, port } = await startBroker({ dataDir });
    const proxy = await startProxy(port);
    cleanups.push(proxy.stop);
    const { gateway, post } = await startGateway(
      connectionString.replace(/(Endpoint=sb:\/\/)[^;]+/, `$1localhost:${proxy.port}`),
      {},
      { openSpoolStore: () => openSpoolStore(join(dataDir, 'spool')) },
    );
    const peeked = async () => {
      // Of one client each look goes on where the one before it ended.
      const client = new ServiceBusClient(connectionString);
      const messages = await client.createReceiver('events', 'audit').peekMessages(10);
      await client.close();
      return messages.map(({ messageId }) => messageId);
    };

    proxy.hold('down');
    const order = { type: 'purchase', transaction_id: 'T1', value: 1, currency: 'EUR' };
    const answering = post([order, { type: 'click', id: 'c', anonymousId: 'v' }]);
    await waitFor('the broker to have the order', async () => (await peeked()).length > 0);
    await readHub(connectionString, 1);
    proxy.breakAll();
    proxy.release();
    const { results } = (await (await answering).json()) as { results: { outcome: string; durability: string }[] };
    expect(results.map(({ outcome, durability }) => `${outcome} ${durability}`)).toEqual(
      Array(2).fill('accepted spool'),
    );
    await waitFor('the spool to be empty', () => gateway.spooled().isEmpty);
    expect(await peeked()).toEqual(['purchase:T1']);
    expect((await readHub(connectionString, 2)).flat().map(({ id }) => id)).toEqual(['c', 'c']);
  });

  it('notices that its broker is gone and back without any event being sent', async () => {
    const dataDir = await freshDataDir();
    const broker = await startBroker({ dataDir });
    const { isReady } = await startGateway(broker.connectionString);
    expect(await isReady()).toBe(true);
    await broker.stop();
    await waitFor('the outage to be seen', async () => !(await isReady()));
    await startBroker({ dataDir, port: broker.port });
    await waitFor('the gateway to recover', isReady);
  });

  it('a hub that is made anew with fewer partitions gets what waits for it and what comes', async () => {
    const { connectionString } = await startBroker({ dataDir: await freshDataDir() });
    const spool = join(await freshDataDir(), 'spool');
    const openStore = { openSpoolStore: () => openSpoolStore(spool) };
    const { gateway, post, isReady } = await startGateway(connectionString, {}, openStore);
    const views = (from: number) =>
      Array.from({ length: 30 }, (_, at) => ({ type: 'page_view', id: `e${from + at}`, anonymousId: `v${at}` }));
    await atom(connectionString, 'clicks', { method: 'DELETE' });
    expect((await post(views(0))).status).toBe(200);
    const description = `<EventHubDescription xmlns="${XMLNS}"><PartitionCount>2</PartitionCount></EventHubDescription>`;
    await atom(connectionString, 'clicks', { method: 'PUT', description });
    const groupDescription = `<ConsumerGroupDescription xmlns="${XMLNS}"/>`;
    await atom(connectionString, 'clicks/consumergroups/replay', { method: 'PUT', description: groupDescription });
    await waitFor('the spool to be empty', () => gateway.spooled().isEmpty);
    expect((await post(views(30))).status).toBe(200);
    await waitFor('all to be sent', () => gateway.spooled().isEmpty);
    const partitions = await readHub(connectionString, 60);
    expect(new Set(partitions.flat().map(({ id }) => id)).size).toBe(60);
    const homes = partitions.map((events) => new Set(events.map(({ data }) => data.anonymousId)));
    expect(homes.reduce((sum, { size }) => sum + size, 0)).toBe(30);
    expect(await isReady()).toBe(true);
  });

  it('stops only when what it took is answered', async () => {
    const broker = await startBroker({ dataDir: await freshDataDir() });
    const { gateway, post } = await startGateway(broker.connectionString);
    const ids = Array.from({ length: 200 }, (_, index) => `e${index}`);
    const posts = ids.map((id) => post({ type: 'click', id, anonymousId: id }));
    const first = await Promise.race(posts);
    expect(first.status).toBe(200);
    await gateway.stop({ deadlineMs: 10_000 });
    const answers = await Promise.allSettled(posts);
    const accepted = ids.filter((_id, index) => answers[index]?.status === 'fulfilled');
    for (const answer of answers) if (answer.status === 'fulfilled') expect(answer.value.status).toBe(200);
    const held = (await readHub(broker.connectionString, accepted.length)).flat().map((event) => event.id);
    expect(accepted.filter((id) => !held.includes(id))).toEqual([]);
  });

  it('a client that sends its headers a byte at a time is told that it took too long', async () => {
    const broker = await startBroker({ dataDir: await freshDataDir() });
    const { url } = await startGateway(broker.connectionString, {
      http: { ...configSchema.parse({}).gateway.http, headersTimeoutMs: 300, requestTimeoutMs: 600 },
    });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let answer = '';
    socket.on('data', (data) => {
      answer += data.toString();
    });
    socket.write('POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    await waitFor('the answer', () => answer.includes('PS_REQUEST_TIMEOUT'));
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    socket.destroy();
  });
});
