import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContext, Frame, Page } from 'playwright-core';
import type { Penstock } from '../../src/tracker/index.js';
import { launchChromium } from '../helpers/chromium.js';
import { builtWeb } from '../helpers/web-build.js';

export interface SentEvent {
  readonly id: string;
  readonly type: string;
  readonly occurredAt: string;
  readonly anonymousId: string;
  readonly userId?: string;
  readonly sessionId: string;
  readonly page: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly context: { readonly locale: string; readonly campaign?: Readonly<Record<string, string>> };
  readonly consent: Readonly<Record<string, string>>;
}

export interface Posted {
  readonly method: string;
  readonly url: string;
  readonly contentType: string;
  readonly body: { readonly sentAt: string; readonly events: readonly SentEvent[] };
}

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const listen = async (handler: (request: IncomingMessage, response: ServerResponse) => void) => {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
};

/** What a page has in `penstock`, for code that runs there. */
declare const window: { readonly penstock: Penstock };

/**
 * A site with the tracker, a collector that says what it was sent, and a browser. They are servers and not routes of
 * Playwright, which hold up requests and lose those of a page that is gone.
 */
export async function openSite(launch = launchChromium) {
  const script = readFileSync(builtWeb().trackerScript);
  const browser: Browser = await launch();
  const contexts: BrowserContext[] = [];
  const state = {
    posted: [] as Posted[],
    /** What the collector answers next: a status for each request, then 200. */
    statuses: [] as number[],
    /** Types of events that the collector cannot take yet, once. */
    unready: new Set<string>(),
    /** Answers wait as long as it is there. */
    held: undefined as Promise<void> | undefined,
    /** The body of the pages that the site serves. */
    html: '',
  };

  const collector = await listen(async (request, response) => {
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-expose-headers', 'retry-after');
    if (request.url === '/penstock.js') {
      response.setHeader('content-type', 'text/javascript');
      response.end(script);
      return;
    }
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = JSON.parse(Buffer.concat(parts).toString()) as Posted['body'];
    state.posted.push({
      method: request.method ?? '',
      url: request.url ?? '',
      contentType: request.headers['content-type'] ?? '',
      body,
    });
    response.statusCode = state.statuses.shift() ?? 200;
    if (response.statusCode === 503) response.setHeader('retry-after', '1');
    response.setHeader('content-type', 'application/json');
    const results = body.events.map(({ id, type }) =>
      state.unready.delete(type)
        ? { id, outcome: 'rejected', reason: 'unavailable', retryable: true }
        : { id, outcome: 'accepted' },
    );
    await state.held;
    response.end(JSON.stringify({ results }));
  });
  const site = await listen((request, response) => {
    const isScript = request.url === '/penstock.js';
    response.setHeader('content-type', `text/${isScript ? 'javascript' : 'html'}; charset=utf-8`);
    response.end(
      isScript
        ? script
        : `<!doctype html><html lang="en"><head><title>Shop</title></head><body>${state.html}</body></html>`,
    );
  });
  const events = () => state.posted.flatMap(({ body }) => body.events);

  return {
    ...{ browser, script, collectorUrl: urlOf(collector), url: urlOf(site), state, events },
    eventsOf: (type: string) => events().filter((event) => event.type === type),
    scriptTag: (attributes = '') =>
      `<script async src="${urlOf(collector)}/penstock.js" data-key="the key" ${attributes}></script>`,
    /** A new visitor's browser, or a new page of the one given, on a page of the site that holds `body`. */
    async visit(body: string, path = '/', place?: Page | BrowserContext) {
      state.html = body;
      const context = place ?? (await browser.newContext({ locale: 'de-DE' }));
      if (!place) contexts.push(context as BrowserContext);
      const page = 'newPage' in context ? await context.newPage() : context;
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(error.message));
      await page.goto(urlOf(site) + path);
      return { page, problems };
    },
    /** Forgets what was sent, and every browser that was there. */
    async clear() {
      for (const context of contexts.splice(0)) await context.close();
      Object.assign(state, { posted: [], statuses: [], held: undefined, html: '' });
      state.unready.clear();
    },
    async close() {
      await browser.close();
      for (const server of [collector, site]) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}

export type Site = Awaited<ReturnType<typeof openSite>>;

/** Says something to the tracker of the page, once it is there. */
export async function say(page: Page | Frame, ...call: unknown[]): Promise<void> {
  await page.waitForFunction(() => window.penstock !== undefined);
  await page.evaluate((args) => (window.penstock as unknown as (...args: unknown[]) => void)(...args), call);
}

/** Closes the page as a visitor does, and waits until it is gone. */
export async function leave(page: Page): Promise<void> {
  const gone = page.waitForEvent('close');
  await page.close({ runBeforeUnload: true });
  await gone;
}
