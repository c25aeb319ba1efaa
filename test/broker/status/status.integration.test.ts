import { createHmac } from 'node:crypto';
import { EventHubConsumerClient, EventHubProducerClient } from '@azure/event-hubs';
import { ServiceBusClient } from '@azure/service-bus';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BrokerStatus } from '../../../src/broker/status/index.js';
import { startTestBroker, type TestBroker, testTopology } from '../../helpers/broker.js';
import { launchChromium } from '../../helpers/chromium.js';
import { waitFor } from '../../helpers/wait.js';

let broker: TestBroker;
let bus: ServiceBusClient;
let base: string;
let browser: Browser | undefined;

beforeAll(async () => {
  broker = await startTestBroker(testTopology);
  bus = new ServiceBusClient(broker.connectionString);
  base = `http://localhost:${broker.port}`;
});
afterAll(async () => {
  await browser?.close();
  await bus.close();
  await broker.remove();
});

const status = async () => (await (await fetch(`${base}/status`)).json()) as BrokerStatus;
const keyOf = (connectionString: string) => /SharedAccessKey=([^;]*)/.exec(connectionString)?.[1] as string;
const basic = (name: string, key: string) => `Basic ${Buffer.from(`${name}:${key}`).toString('base64')}`;

describe('what the broker shows of itself', () => {
  it('counts messages by state, and what came in and went out', async () => {
    await bus.createSender('events').sendMessages(['a', 'b', 'c'].map((id) => ({ messageId: id, body: id })));
    const receiver = bus.createReceiver('events', 'audit');
    const [first] = await receiver.receiveMessages(1);
    const [second] = await receiver.receiveMessages(1);
    if (!first || !second) throw new Error('two messages were expected');
    await receiver.completeMessage(first);
    await receiver.deadLetterMessage(second, {
      deadLetterReason: 'odd',
      deadLetterErrorDescription: 'one of the odd ones',
    });
    const { topics, connections, links } = await status();
    const audit = topics[0]?.subscriptions.find(({ name }) => name === 'audit');
    expect(audit).toMatchObject({ messagesIn: 3, messagesOut: 2, counts: { active: 1, deadLetter: 1 } });
    expect([connections > 0, links > 0]).toEqual([true, true]);
  });

  it('knows how far the readers of a hub are', async () => {
    const producer = new EventHubProducerClient(broker.connectionString, 'clicks');
    await producer.sendBatch([{ body: 1 }, { body: 2 }, { body: 3 }], { partitionId: '2' });
    await producer.close();
    const consumer = new EventHubConsumerClient('archive', broker.connectionString, 'clicks');
    let seen = 0;
    const subscription = consumer.subscribe(
      '2',
      {
        processEvents: async (events) => {
          seen += events.length;
        },
        processError: async () => {},
      },
      { startPosition: { sequenceNumber: 0 } },
    );
    await waitFor('the events', () => seen >= 2);
    const partition = (await status()).hubs[0]?.partitions[2];
    expect(partition).toMatchObject({ lastSequence: 2, events: 3 });
    expect(partition?.readers).toEqual([
      expect.objectContaining({ consumerGroup: 'archive', nextSequence: 3, lag: 0 }),
    ]);
    await subscription.close();
    await consumer.close();
  });

  it('gives Prometheus the same, and what the disk takes', async () => {
    const answer = await fetch(`${base}/metrics`);
    expect(answer.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    const text = await answer.text();
    expect(text).toContain('penstock_broker_messages{entity="events/Subscriptions/audit",state="dead_letter"} 1');
    expect(text).toContain('penstock_broker_hub_last_sequence_number{hub="clicks",partition="2"} 2');
    expect(text).toMatch(/penstock_broker_commit_seconds_count{store="messages"} [1-9]/);
    expect(text).toMatch(/penstock_broker_commit_seconds_count{store="events"} [1-9]/);
    expect(text).toContain('process_resident_memory_bytes');
  });

  it('leaves requests of the administration API to it, also for an entity named as a path of its own', async () => {
    expect((await fetch(`${base}/status?api-version=2021-05`)).status).toBe(401);
    expect((await fetch(`${base}/nowhere`)).status).toBe(401);
  });

  it('asks for a key where the request does not plainly come from this machine', async () => {
    const rebound = { headers: { host: 'evil.example' } };
    const { request } = await import('node:http');
    const statusOf = (headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        const sent = request({ port: broker.port, host: '127.0.0.1', path: '/status', headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        sent.on('error', reject).end();
      });
    expect(await statusOf(rebound.headers)).toBe(403);
    expect(await statusOf({ origin: 'http://evil.example' })).toBe(403);
    const key = keyOf(broker.connectionString);
    const named = { host: 'broker.example' };
    expect(await statusOf({ ...named, authorization: basic('RootManageSharedAccessKey', key) })).toBe(200);
    expect(await statusOf({ ...named, authorization: basic('RootManageSharedAccessKey', 'guess') })).toBe(401);
    expect(await statusOf({ ...named, authorization: basic('nobody', '') })).toBe(401);
    const resource = encodeURIComponent('http://broker.example');
    const expiry = Math.round(Date.now() / 1000) + 300;
    const signature = createHmac('sha256', key).update(`${resource}\n${expiry}`).digest('base64');
    const token = `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=RootManageSharedAccessKey`;
    expect(await statusOf({ ...named, authorization: token })).toBe(200);
    expect((await fetch(`${base}/status`, { method: 'DELETE' })).status).toBe(405);
  });

  it('is a page that keeps itself up to date, on a phone too, with nothing from elsewhere', async () => {
    browser = await launchChromium();
    const page = await browser.newPage({ viewport: { width: 360, height: 740 } });
    const elsewhere: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(base) && !request.url().startsWith('data:')) elsewhere.push(request.url());
    });
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(`${base}/`);
    const cells = (name: string) => page.getByRole('row', { name }).getByRole('cell').allInnerTexts();
    expect((await cells('events/audit')).slice(1, 5)).toEqual(['1', '1', '0', '0']);
    await bus.createSender('events').sendMessages({ body: 'd' });
    await waitFor('the page to show it', async () => (await cells('events/audit'))[1] === '2');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect([elsewhere, complaints]).toEqual([[], []]);
  });
});
