import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium } from '../helpers/chromium.js';
import { buildWeb, type WebBuild } from '../helpers/web-build.js';

interface SentEvent {
  readonly id: string;
  readonly type: string;
  readonly occurredAt: string;
  readonly anonymousId: string;
  readonly userId?: string;
  readonly sessionId: string;
  readonly page: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly context: { readonly locale: string; readonly campaign?: Readonly<Record<string, string>> };
}

interface Posted {
  readonly method: string;
  readonly url: string;
  readonly contentType: string;
  readonly body: { readonly sentAt: string; readonly events: readonly SentEvent[] };
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const patience = { timeout: 30_000 };

let web: WebBuild;
let browser: Browser;
let collector: Server;
let site: Server;
/** What the collector was sent, and what it answers next: a status for each request, then 200. */
let posted: Posted[] = [];
let statuses: number[] = [];
/** Types of events that the collector cannot take yet, once. */
const unready = new Set<string>();
/** The body of the page that the site serves. */
let html = '';

const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const listen = async (handler: (request: IncomingMessage, response: ServerResponse) => void) => {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
};
const events = () => posted.flatMap(({ body }) => body.events);
const eventsOf = (type: string) => events().filter((event) => event.type === type);

beforeAll(async () => {
  web = buildWeb();
  browser = await launchChromium();
  collector = await listen(async (request, response) => {
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-expose-headers', 'retry-after');
    if (request.url === '/penstock.js') {
      response.setHeader('content-type', 'text/javascript');
      response.end(readFileSync(web.trackerScript));
      return;
    }
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = JSON.parse(Buffer.concat(parts).toString()) as Posted['body'];
    posted.push({
      method: request.method ?? '',
      url: request.url ?? '',
      contentType: request.headers['content-type'] ?? '',
      body,
    });
    response.statusCode = statuses.shift() ?? 200;
    if (response.statusCode === 503) response.setHeader('retry-after', '1');
    response.setHeader('content-type', 'application/json');
    const results = body.events.map(({ id, type }) =>
      unready.delete(type)
        ? { id, outcome: 'rejected', reason: 'unavailable', retryable: true }
        : { id, outcome: 'accepted' },
    );
    response.end(JSON.stringify({ results }));
  });
  site = await listen((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(`<!doctype html><html lang="en"><head><title>Shop</title></head><body>${html}</body></html>`);
  });
});
afterAll(async () => {
  await browser.close();
  collector.close();
  site.close();
  web.remove();
});

const open: Page[] = [];
beforeEach(() => {
  posted = [];
  statuses = [];
  html = '';
});
afterEach(async () => {
  for (const page of open.splice(0)) await page.context().close();
});

const scriptTag = () => `<script async src="${urlOf(collector)}/penstock.js" data-key="the key"></script>`;

/** A new visitor's browser on a page of the site that holds `body`. */
async function visit(body: string, path = '/', page?: Page) {
  html = body;
  const tab = page ?? (await browser.newPage({ locale: 'de-DE' }));
  if (!page) open.push(tab);
  const problems: string[] = [];
  tab.on('pageerror', (error) => problems.push(error.message));
  await tab.goto(urlOf(site) + path);
  return { page: tab, problems };
}

describe('the script', () => {
  it('is under 3 kB, compressed', () => {
    expect(gzipSync(readFileSync(web.trackerScript), { level: 9 }).length).toBeLessThan(3_000);
  });
});

describe('a page view', () => {
  it('is sent when the page loads, with what is known of page, visitor and campaign', async () => {
    const { problems } = await visit(scriptTag(), '/shoes?utm_source=news&utm_campaign=spring&q=1');
    await expect.poll(() => posted.length, patience).toBe(1);
    const [{ method, url, contentType, body }] = posted as [Posted];
    expect([method, url, contentType]).toEqual(['POST', '/v1/events?writeKey=the%20key', 'text/plain']);
    const [view] = body.events as [SentEvent];
    expect(view).toEqual({
      id: expect.stringMatching(UUID),
      type: 'page_view',
      occurredAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      anonymousId: expect.stringMatching(UUID),
      sessionId: expect.stringMatching(UUID),
      page: {
        url: `${urlOf(site)}/shoes?utm_source=news&utm_campaign=spring&q=1`,
        path: '/shoes',
        title: 'Shop',
        referrer: '',
      },
      properties: {},
      context: { locale: 'de-DE', campaign: { source: 'news', campaign: 'spring' } },
    });
    expect(Date.parse(body.sentAt)).toBeGreaterThanOrEqual(Date.parse(view.occurredAt));
    expect(problems).toEqual([]);
  });

  it('of the same browser is the same visitor in the same session; of another browser, another', async () => {
    const { page } = await visit(scriptTag());
    await expect.poll(() => events().length, patience).toBe(1);
    await visit(scriptTag(), '/next', page);
    await expect.poll(() => events().length, patience).toBe(2);
    await visit(scriptTag());
    await expect.poll(() => events().length, patience).toBe(3);
    const [first, second, other] = events() as [SentEvent, SentEvent, SentEvent];
    expect([second.anonymousId, second.sessionId]).toEqual([first.anonymousId, first.sessionId]);
    expect(other.anonymousId).not.toBe(first.anonymousId);
    expect(other.sessionId).not.toBe(first.sessionId);
  });

  it('is sent for each new address of a single-page application', async () => {
    const { page } = await visit(scriptTag(), '/a');
    await expect.poll(() => events().length, patience).toBe(1);
    await page.evaluate(() => history.pushState({}, '', '/b'));
    await page.evaluate(() => history.pushState({}, '', '/b#part'));
    await page.goBack();
    await page.goBack();
    await expect.poll(() => events().length, patience).toBe(3);
    expect(events().map((event) => event.page['path'])).toEqual(['/a', '/b', '/a']);
    expect(events().map((event) => event.page['referrer'])).toEqual(['', `${urlOf(site)}/a`, `${urlOf(site)}/b`]);
  });

  it('is sent to the collector that data-host names', async () => {
    html = '';
    const elsewhere = `<script src="${urlOf(site)}/penstock.js" data-key="k" data-host="${urlOf(collector)}"></script>`;
    const page = await browser.newPage();
    open.push(page);
    await page.route('**/penstock.js', (route) => route.fulfill({ path: web.trackerScript }));
    await visit(elsewhere, '/', page);
    await expect.poll(() => posted[0]?.url, patience).toBe('/v1/events?writeKey=k');
  });
});

describe('a click', () => {
  const body = () => `
    <a id="in" href="#here"><b>Inside</b></a>
    <a id="out" href="https://other.example/x" onclick="event.preventDefault()">Out</a>
    <a id="mail" href="mailto:somebody@example.com" onclick="event.preventDefault()">Mail</a>
    <button id="cart" data-penstock-event="add_to_cart" data-penstock-item-id="A1" data-penstock-value="9.5"><i>Buy</i></button>
    <p id="text">Text</p>
    ${scriptTag()}`;

  it('on a link, or on an element with an event of its own, is sent; any other is not', async () => {
    const { page } = await visit(body());
    await expect.poll(() => events().length, patience).toBe(1);
    for (const id of ['text', 'mail', 'in', 'out', 'cart']) await page.click(`#${id}`);
    await expect.poll(() => events().length, patience).toBe(4);
    expect(events().map(({ type, properties }) => [type, properties])).toEqual([
      ['page_view', {}],
      ['click', { link_url: `${urlOf(site)}/#here`, link_text: 'Inside', outbound: false }],
      ['click', { link_url: 'https://other.example/x', link_text: 'Out', outbound: true }],
      ['add_to_cart', { item_id: 'A1', value: 9.5 }],
    ]);
  });

  it('that leads away is not lost with the page', async () => {
    const { page } = await visit(`<a id="away" href="/next">Next</a>${scriptTag()}`);
    await expect.poll(() => events().length, patience).toBe(1);
    html = '';
    await page.click('#away');
    await page.waitForURL('**/next');
    await expect.poll(() => eventsOf('click').length, patience).toBe(1);
  });
});

describe('penstock()', () => {
  it('sends what the shop calls, and names the user from then on', async () => {
    const { page } = await visit(scriptTag());
    await expect.poll(() => events().length, patience).toBe(1);
    const purchase = { transaction_id: 'T1', value: 9.5, currency: 'EUR' };
    await page.evaluate((properties) => {
      const { penstock } = window as unknown as { penstock(...args: unknown[]): void };
      penstock('identify', 'user-1');
      penstock('purchase', properties);
    }, purchase);
    await expect.poll(() => eventsOf('purchase').length, patience).toBe(1);
    expect(eventsOf('purchase')[0]).toMatchObject({ userId: 'user-1', properties: purchase });
    expect(eventsOf('page_view')[0]).not.toHaveProperty('userId');
  });

  it('takes calls from before the script was there', async () => {
    const stub = 'window.penstock=window.penstock||function(){(penstock.q=penstock.q||[]).push(arguments)}';
    await visit(
      `<script>${stub};penstock('identify','user-2');penstock('sign_up',{method:'mail'})</script>${scriptTag()}`,
    );
    await expect.poll(() => events().length, patience).toBe(2);
    expect(events().map(({ type, userId }) => [type, userId])).toEqual([
      ['sign_up', 'user-2'],
      ['page_view', 'user-2'],
    ]);
  });

  it('never throws into the page, and what cannot be sent costs no other event', async () => {
    const { page, problems } = await visit(scriptTag() + scriptTag());
    await expect.poll(() => events().length, patience).toBe(1);
    await page.evaluate(() => {
      const { penstock } = window as unknown as { penstock(...args: unknown[]): void };
      const circle: Record<string, unknown> = {};
      circle['self'] = circle;
      penstock('circle', circle);
      penstock('big', { value: 1n });
      penstock();
      penstock('purchase', null);
    });
    await expect.poll(() => eventsOf('purchase').length, patience).toBe(1);
    expect(eventsOf('circle')).toEqual([]);
    expect(problems).toEqual([]);
  });
});

describe('when things go wrong', () => {
  it('a collector that is overloaded is sent the same events, with the same ids, again', async () => {
    statuses = [503, 503];
    const { problems } = await visit(scriptTag());
    await expect.poll(() => posted.length, patience).toBe(3);
    const ids = posted.map(({ body }) => body.events.map(({ id }) => id));
    expect(ids[1]).toEqual(ids[0]);
    expect(ids[2]).toEqual(ids[0]);
    expect(posted[1]?.body.sentAt).not.toBe(posted[0]?.body.sentAt);
    expect(problems).toEqual([]);
  });

  it('an event that the collector cannot take yet is sent again, without its neighbours', async () => {
    unready.add('purchase');
    const { page } = await visit(scriptTag());
    await page.evaluate(() => (window as unknown as { penstock(...args: unknown[]): void }).penstock('purchase'));
    await expect.poll(() => eventsOf('purchase').length, patience).toBe(2);
    expect(new Set(eventsOf('purchase').map(({ id }) => id)).size).toBe(1);
    expect(eventsOf('page_view')).toHaveLength(1);
  });

  it('a collector that refuses is not asked again', async () => {
    statuses = [401];
    const { page } = await visit(scriptTag());
    await expect.poll(() => posted.length, patience).toBe(1);
    await page.evaluate(() => (window as unknown as { penstock(...args: unknown[]): void }).penstock('later'));
    await expect.poll(() => posted.length, patience).toBe(2);
    expect(posted[1]?.body.events.map(({ type }) => type)).toEqual(['later']);
  });

  it('a network that is away costs nothing but time', async () => {
    const { page } = await visit(scriptTag());
    await expect.poll(() => events().length, patience).toBe(1);
    await page.context().setOffline(true);
    const failed = page.waitForEvent('requestfailed');
    await page.evaluate(() => (window as unknown as { penstock(...args: unknown[]): void }).penstock('offline'));
    await failed;
    await page.context().setOffline(false);
    await expect.poll(() => eventsOf('offline').length, patience).toBe(1);
  });

  it('a page that closes leaves its last events in a beacon', async () => {
    const { page } = await visit(scriptTag());
    await expect.poll(() => events().length, patience).toBe(1);
    await page.evaluate(() => (window as unknown as { penstock(...args: unknown[]): void }).penstock('goodbye'));
    await page.close({ runBeforeUnload: true });
    await expect.poll(() => eventsOf('goodbye').length, patience).toBe(1);
    expect(posted.at(-1)).toMatchObject({ url: '/v1/events?writeKey=the%20key', contentType: 'text/plain' });
    expect(Date.parse(posted.at(-1)?.body.sentAt ?? '')).not.toBeNaN();
  });

  it('a browser that blocks storage is measured all the same, as one visitor for each page', async () => {
    const inner = `<a href="#x" id="link">x</a>${scriptTag()}`.replaceAll('"', '&quot;');
    const { page, problems } = await visit(`<iframe sandbox="allow-scripts" srcdoc="${inner}"></iframe>`);
    const frame = page.frameLocator('iframe');
    await frame.locator('#link').waitFor();
    const blocked = await page.frames()[1]?.evaluate(() => {
      try {
        return String(localStorage);
      } catch (error) {
        return (error as Error).name;
      }
    });
    expect(blocked).toBe('SecurityError');
    await expect.poll(() => eventsOf('page_view').length, patience).toBe(1);
    await page
      .frames()[1]
      ?.evaluate(() => (window as unknown as { penstock(...args: unknown[]): void }).penstock('seen'));
    await expect.poll(() => eventsOf('seen').length, patience).toBe(1);
    const [first, second] = events() as [SentEvent, SentEvent];
    expect([second.anonymousId, second.sessionId]).toEqual([first.anonymousId, first.sessionId]);
    expect(problems).toEqual([]);
  });
});
