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
import { startProxy, type TestProxy } from '../helpers/proxy.js';
import { builtWeb } from '../helpers/web-build.js';
import { leave, say } from './site.js';

const WRITE_KEY = 'shop-write-key';
const patience = { timeout: 120_000 };

describe('the tracker, the gateway and the broker', () => {
  let broker: TestBroker;
  let gateway: Gateway;
  /** The network between the browser and the gateway. */
  let proxy: TestProxy;
  let site: Server;
  let browser: Browser;
  let html = '';
  const close: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
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
    proxy = await startProxy(Number(new URL(gatewayUrl).port));
    // The site serves the script itself: a route in Playwright holds up all requests, and a beacon of a page that is
    // gone would be lost in it.
    const script = readFileSync(builtWeb().trackerScript);
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
    html = `<!doctype html><title>Thanks</title><script async src="/penstock.js" data-key="${WRITE_KEY}" data-host="${proxy.url}"></script>
<noscript><img src="${proxy.url}/v1/pixel.gif?writeKey=${WRITE_KEY}" referrerpolicy="no-referrer-when-downgrade" alt=""></noscript>`;
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    for (const end of close) await end();
    site.close();
    await proxy.stop();
    await gateway.stop({ deadlineMs: 2_000 });
    await broker.remove();
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
    // It stays when the page is gone, and so does what the page has left to it.
    const context = await browser.newContext();
    const page = await context.newPage();
    for (const _ of ['ordered', 'reloaded']) {
      await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/thanks`);
      await say(page, 'purchase', { transaction_id: 'T1', value: 9.5, currency: 'EUR' });
    }
    await say(page, 'sign_up');
    await leave(page);

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
    await context.close();
  });

  it('what a page told while the gateway was away arrives once, in order, though the page is closed meanwhile', async () => {
    const seen = readHub();
    const context = await browser.newContext();
    const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
    const page = await context.newPage();
    await page.goto(`${url}/before`);
    await expect.poll(() => seen.some(({ data }) => data.page?.path === '/before'), patience).toBe(true);
    proxy.cut();
    const failed = page.waitForEvent('requestfailed');
    for (const type of ['first', 'second']) await say(page, type);
    await failed;
    await say(page, 'third');
    await leave(page);
    await proxy.mend();
    const next = await context.newPage();
    await next.goto(`${url}/after`);
    await expect.poll(() => seen.some(({ data }) => data.page?.path === '/after'), patience).toBe(true);
    const { anonymousId } = seen.find(({ data }) => data.page?.path === '/before')?.data ?? {};
    const ofVisitor = seen.filter(({ data }) => data.anonymousId === anonymousId);
    expect(ofVisitor.map(({ type }) => type)).toEqual(['page_view', 'first', 'second', 'third', 'page_view']);
    await context.close();
  });

  it('consent goes with the events, and the gateway reads it', async () => {
    const seen = readHub();
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/consent`);
    await say(page, 'consent', { analytics: 'granted', marketing: 'denied' });
    await say(page, 'asked');
    await expect
      .poll(() => seen.find(({ type }) => type === 'asked')?.data.consent, patience)
      .toEqual({
        analytics: true,
        marketing: false,
      });
    await page.close();
  });

  it('a page without script is seen by its pixel, one that runs script is not seen twice', async () => {
    const seen = readHub();
    const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
    for (const javaScriptEnabled of [true, false]) {
      const context = await browser.newContext({ javaScriptEnabled });
      const page = await context.newPage();
      await page.goto(`${url}/scripted/${javaScriptEnabled}`);
      const path = `/scripted/${javaScriptEnabled}`;
      await expect.poll(() => seen.filter(({ data }) => data.page?.path === path), patience).toHaveLength(1);
      await context.close();
    }
    const views = seen.filter(({ data }) => data.page?.path?.startsWith('/scripted/'));
    expect(views.map(({ type, data }) => [type, data.page?.url, data.anonymousId === undefined])).toEqual([
      ['page_view', `${url}/scripted/true`, false],
      ['page_view', `${url}/scripted/false`, true],
    ]);
  });
});
