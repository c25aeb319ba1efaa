import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EventHubConsumerClient } from '@azure/event-hubs';
import { ServiceBusClient, type ServiceBusReceivedMessage } from '@azure/service-bus';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PenstockEvent } from '../../src/events/index.js';
import { createGateway, type Gateway } from '../../src/gateway/index.js';
import { createHubPublisher, createTopicPublisher } from '../../src/messaging/index.js';
import { systemClock } from '../../src/shared/clock.js';
import { loadConfig } from '../../src/shared/config/index.js';
import { createLogger } from '../../src/shared/logger.js';
import { startTestBroker, type TestBroker } from '../helpers/broker.js';
import { launchChromium } from '../helpers/chromium.js';
import { buildWeb, type WebBuild } from '../helpers/web-build.js';

const WRITE_KEY = 'shop-write-key';
const patience = { timeout: 30_000 };

describe('the tracker, the gateway and the broker', () => {
  let web: WebBuild;
  let broker: TestBroker;
  let gateway: Gateway;
  let site: Server;
  let browser: Browser;
  let html = '';
  const close: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    web = buildWeb();
    broker = await startTestBroker();
    const access = { connectionString: broker.connectionString };
    const { gateway: options } = loadConfig({
      env: {},
      flags: { 'gateway.sources': [{ name: 'shop', writeKey: WRITE_KEY }] },
    });
    gateway = await createGateway(
      {
        clock: systemClock,
        random: Math.random,
        logger: createLogger('gateway', 'silent'),
        openHub: (name) => createHubPublisher(access, name, { timeoutMs: 10_000 }),
        openTopic: (name) => createTopicPublisher(access, name, { timeoutMs: 10_000 }),
      },
      options,
    );
    const gatewayUrl = await gateway.listen({ host: '127.0.0.1', port: 0 });
    // The site serves the script itself: a route in Playwright holds up all requests, and a beacon of a page that is
    // gone would be lost in it.
    const script = readFileSync(web.trackerScript);
    site = createServer((request, response) => {
      if (request.url === '/penstock.js') {
        response.setHeader('content-type', 'text/javascript; charset=utf-8');
        response.end(script);
        return;
      }
      response.setHeader('content-type', 'text/html; charset=utf-8');
      response.end(html);
    });
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    html = `<!doctype html><title>Thanks</title><script async src="/penstock.js" data-key="${WRITE_KEY}" data-host="${gatewayUrl}"></script>`;
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    for (const end of close) await end();
    site.close();
    await gateway.stop({ deadlineMs: 2_000 });
    await broker.remove();
    web.remove();
  });

  /** Everything that arrives on the hub, as any client of Azure would read it. */
  function readHub(): PenstockEvent[] {
    const events: PenstockEvent[] = [];
    const client = new EventHubConsumerClient('aggregators', broker.connectionString, 'clicks');
    const subscription = client.subscribe(
      {
        processEvents: async (batch) => {
          for (const { body } of batch) events.push(...(body as PenstockEvent[]));
        },
        processError: async () => {},
      },
      { startPosition: { offset: '-1' }, maxWaitTimeInSeconds: 1 },
    );
    close.push(() => subscription.close().then(() => client.close()));
    return events;
  }

  it('a page view reaches the hub and an order the topic, once, though the thank-you page is reloaded', async () => {
    const seen = readHub();
    const page = await browser.newPage();
    for (const _ of ['ordered', 'reloaded']) {
      await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/thanks`);
      await page.evaluate(() => {
        const { penstock } = window as unknown as { penstock(...args: unknown[]): void };
        penstock('purchase', { transaction_id: 'T1', value: 9.5, currency: 'EUR' });
      });
    }
    await page.evaluate(() => (window as unknown as { penstock(...args: unknown[]): void }).penstock('sign_up'));
    await page.close({ runBeforeUnload: true });

    await expect.poll(() => seen.filter(({ type }) => type === 'page_view').length, patience).toBe(2);
    const [view] = seen as [PenstockEvent];
    expect(view).toMatchObject({
      source: 'shop',
      type: 'page_view',
      data: { page: { path: '/thanks', title: 'Thanks' } },
    });
    expect(view.data.context.device).toBe('desktop');
    expect(new Set(seen.map(({ data }) => data.anonymousId)).size).toBe(1);

    const client = new ServiceBusClient(broker.connectionString);
    close.push(() => client.close());
    const receiver = client.createReceiver('events', 'audit', { receiveMode: 'receiveAndDelete' });
    const messages: ServiceBusReceivedMessage[] = [];
    while (!messages.some(({ applicationProperties }) => applicationProperties?.['type'] === 'sign_up')) {
      messages.push(...(await receiver.receiveMessages(10, { maxWaitTimeInMs: 5_000 })));
    }
    expect(messages.map(({ messageId }) => messageId)).toEqual(['purchase:T1', expect.any(String)]);
    expect(messages[0]?.applicationProperties).toMatchObject({
      type: 'purchase',
      source: 'shop',
      value: 9.5,
      currency: 'EUR',
    });
  });
});
