import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import {
  type AdminServer,
  type AdminServerDeps,
  type AdminServerOptions,
  startAdminServer,
} from '../../../src/dashboard/index.js';
import { systemClock } from '../../../src/shared/clock.js';
import type { LiveFigures, LiveSource, ShownMetric } from '../../../src/shared/live.js';
import { createLogger } from '../../../src/shared/logger.js';
import { launchChromium } from '../../helpers/chromium.js';
import { createMemoryLiveSource, noFigures } from '../../helpers/live-source.js';
import { builtWeb } from '../../helpers/web-build.js';

/** For conditions on a machine that has other work. */
export const patience = { timeout: 120_000 };

const paths = ['/', '/women/shoes', '/tents/alpine-2', '/sale', '/cart', '/men/jackets', '/search', '/shoes/trail-9'];
const minute = (index: number) => Math.round(24 + 9 * Math.sin(index / 2.3) + (index % 3) * 2);

/** A source of these figures; what it is pushed may be strange to the page. */
export const shown = (figures: object) => createMemoryLiveSource(figures as LiveFigures);

/** An afternoon in a shop. */
export const busy: LiveFigures = {
  ...noFigures,
  visitors: {
    total: 1_234,
    series: noFigures.visitors.series.map((pane, index) => ({ ...pane, visitors: 10 + index, pageViews: 100 + index })),
  },
  devices: { total: 20, byType: { desktop: 12, mobile: 7, tablet: 1 } },
  pages: Array.from({ length: 10 }, (_, index) => ({ path: `/page-${index}`, views: 100 - index })),
  categories: [
    { category: 'shoes', views: 9 },
    { category: 'tents', views: 4 },
  ],
  visitorsLatest: [{ time: noFigures.asOf, anonymousId: 'visitor-1', ip: '203.0.113.0', country: 'DE' }],
  events: Array.from({ length: 100 }, (_, index) => ({
    id: `event-${index}`,
    type: index ? 'page_view' : 'purchase',
    time: noFigures.asOf,
    source: 'shop',
    subject: 'visitor-1',
    path: `/page-${index}`,
  })),
};

const NOW_MS = Date.parse(noFigures.asOf);
const isoBefore = (ms: number) => new Date(NOW_MS - ms).toISOString();
const types = ['page_view', 'page_view', 'view_item', 'click', 'add_to_cart', 'page_view', 'purchase'];
const visitorOf = (index: number) => `01977f2e-${(index * 7_919 + 4_096).toString(16).padStart(4, '0')}-visitor`;

const metric = (help: string, unit: string): ShownMetric => ({
  help,
  unit,
  aggregate: 'count',
  windowMs: 3_600_000,
  values: [],
  series: [],
});
type WindowValues = (index: number) => ShownMetric['series'][number]['values'];
const windowsOf = (widthMs: number) => (count: number, values: WindowValues) =>
  Array.from({ length: count }, (_, index) => ({
    start: isoBefore((count - 1 - index) * widthMs + 30_000),
    values: values(index),
  }));
const windows = windowsOf(60_000);
const halfHours = windowsOf(1_800_000);

/** The same with every figure that there may be; they are shown whether or not the page knows them. */
export const everything = {
  ...busy,
  visitors: {
    total: 312,
    series: noFigures.visitors.series.map((pane, index) => ({
      ...pane,
      visitors: minute(index),
      pageViews: Math.round(minute(index) * 3.4),
    })),
  },
  devices: { total: 241, byType: { desktop: 118, mobile: 97, tablet: 19, bot: 7 } },
  pages: [...paths, '/help/returns', '/men/boots'].map((path, index) => ({
    path,
    views: Math.round(1_840 / (index + 2)),
  })),
  categories: ['shoes', 'tents', 'jackets', 'boots', 'bags', 'stoves'].map((category, index) => ({
    category,
    views: 412 - index * 61,
  })),
  sessions: {
    open: 96,
    series: Array.from({ length: 16 }, (_, index) => ({
      start: isoBefore((15 - index) * 1_800_000 + 30_000),
      sessions: Math.round(120 + 48 * Math.sin(index / 3)),
    })),
  },
  metrics: {
    countries: {
      ...metric('Events of the last hour by country.', 'events'),
      values: ['DE', 'AT', 'CH', 'FR', 'NL', 'PL', 'IT'].map((key, index) => ({ key, value: 2_210 - index * 297 })),
    },
    funnel: {
      ...metric('Sessions of the last 8 hours that viewed an item, put one into the cart, and bought.', 'sessions'),
      values: [
        { key: 'view', value: 1_204 },
        { key: 'cart', value: 288 },
        { key: 'purchase', value: 97 },
      ],
      series: halfHours(16, (index) => ({ view: 75 + index, cart: 18, ...(index % 2 ? { purchase: 12 } : {}) })),
    },
    sessionDuration: {
      ...metric('How long sessions lasted that began in the last 8 hours.', 's'),
      aggregate: 'quantiles' as const,
      values: [{ key: 'all', value: { count: 1_204, p50: 94, p95: 1_260, p99: 2_735 } }],
      series: halfHours(16, (index) => ({
        all: { count: 75, p50: 88 + (index % 4) * 5, p95: 1_180 + (index % 5) * 42, p99: 2_600 + (index % 3) * 90 },
      })),
    },
    revenue: {
      ...metric('Revenue of purchases per minute, by currency.', 'money'),
      aggregate: 'sum' as const,
      windowMs: 60_000,
      // Of the running minute, as the server gives it.
      values: [
        { key: 'EUR', value: 112.5 },
        { key: 'CHF', value: 20 },
      ],
      series: windows(60, (index) => ({
        EUR: Math.round(300 + 120 * Math.sin(index / 6) + (index % 5) * 14) + 0.5,
        ...(index % 3 ? { CHF: Math.round(90 + 40 * Math.cos(index / 4)) } : {}),
      })),
    },
    ingestionDelay: {
      ...metric('Time from the gateway to the hub over the last 15 minutes, to 1 %.', 'ms'),
      aggregate: 'quantiles' as const,
      values: [{ key: 'all', value: { count: 900, p50: 12, p95: 41, p99: 88 } }],
      series: windows(15, (index) => ({
        all: { count: 60, p50: 11 + (index % 3), p95: 38 + (index % 5) * 2, p99: 80 + (index % 4) * 6 },
      })),
    },
  },
  visitorsLatest: Array.from({ length: 10 }, (_, index) => ({
    time: isoBefore(index * 1_700),
    anonymousId: visitorOf(index),
    ip: `203.0.${113 - index}.0`,
    country: ['DE', 'AT', 'FR'][index % 3] as string,
  })),
  offers: Array.from({ length: 20 }, (_, index) => ({
    time: isoBefore(index * 5_300),
    anonymousId: visitorOf((index * 3) % 10),
    behaviour: 'outfit',
    ...([
      { from: 'browsing', to: 'clothes' },
      { from: 'browsing', to: 'clothes' },
      { from: 'clothes', to: 'shoes' },
      { from: 'shoes', to: 'browsing', offer: 'outfit-discount' },
    ][(index * 7) % 4] as { from: string; to: string }),
  })),
  events: Array.from({ length: 100 }, (_, index) => ({
    id: `event-${index}`,
    type: types[(index * 5) % types.length] as string,
    time: isoBefore(index * 410),
    source: 'shop',
    subject: visitorOf(index % 10),
    path: paths[(index * 3) % paths.length] as string,
  })),
};

const NO_TROUBLE = { offersWaiting: 0, offersGivenUp: 0, idsRememberedMs: null, stopped: null, unsaved: null };

/** How it is itself on that afternoon, as `GET /api/system` tells it: almost all is well. */
export const health = {
  asOf: noFigures.asOf,
  parts: [
    { name: 'Gateway to topic:events', state: 'good', text: 'up' },
    { name: 'Gateway to hub:clicks', state: 'good', text: 'up' },
    { name: 'Broker', state: 'good', text: '7 connections, 184 MB' },
    { name: 'Dead letters', state: 'warn', text: '2' },
  ],
  partitions: [48_211, 47_903, 51_377, 46_540].map((sequenceNumber, partition) => ({
    ...{ partition: String(partition), lag: partition === 2 ? 1 : 0, sequenceNumber },
    ...{
      watermark: isoBefore(400 + partition * 310),
      appliedAt: isoBefore(180),
      savedAt: isoBefore(partition * 1_400),
    },
    ...NO_TROUBLE,
  })),
  totals: { counted: 1_284_310, duplicate: 412, malformed: 0, late: 97 },
};

export interface OpenPage {
  readonly page: Page;
  /** Errors of scripts and requests that failed. */
  readonly problems: string[];
  text(selector: string): Promise<string | null>;
  figure(name: string): Promise<string | null>;
  state(): Promise<string | null>;
}

/** What somebody looks at the page with. */
interface Screen {
  readonly width: number;
  readonly height: number;
  readonly timezoneId?: string;
}

const DESK: Screen = { width: 1_280, height: 900 };

type Served = Partial<Pick<AdminServerDeps, 'routes'>> & Partial<AdminServerOptions>;

/** Serves the page as it is built to a real browser. Registers its own set-up and end with the test file. */
export function createPageRig() {
  let browser: Browser;
  const running: AdminServer[] = [];
  const pages: Page[] = [];
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
  });
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.close();
    for (const server of running.splice(0)) await server.stop();
  });
  return {
    async serve(source: LiveSource, { routes = [], ...options }: Served = {}): Promise<AdminServer> {
      const server = await startAdminServer(
        {
          live: source,
          routes,
          intake: () => ({ url: 'http://127.0.0.1:9999', writeKey: 'the-write-key' }),
          clock: systemClock,
          logger: createLogger('dashboard', 'silent'),
        },
        { host: '127.0.0.1', port: 0, webFolder: builtWeb().dashboardFolder, ...options },
      );
      running.push(server);
      return server;
    },
    /** `before` runs in the page before its own scripts. */
    async open(url: string, screen: Screen = DESK, before?: () => void): Promise<OpenPage> {
      const { timezoneId = 'UTC', ...viewport } = screen;
      const page = await browser.newPage({ viewport, timezoneId });
      pages.push(page);
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(error.message));
      page.on('requestfailed', (request) => problems.push(request.url()));
      if (before) await page.addInitScript(before);
      await page.goto(url);
      return {
        page,
        problems,
        text: (selector) => page.locator(selector).first().textContent(),
        figure: (name) => page.locator(`[data-figure="${name}"]`).textContent(),
        state: () => page.locator('[data-testid="state"]').textContent(),
      };
    },
  };
}

/** Writes the picture of the page to docs/images, when `PENSTOCK_SCREENSHOTS` asks for it. */
export async function picture(page: Page, name: string, fullPage = false): Promise<void> {
  if (process.env['PENSTOCK_SCREENSHOTS'] === undefined) return;
  mkdirSync('docs/images', { recursive: true });
  await page.screenshot({ path: join('docs/images', `dashboard-${name}.png`), fullPage, animations: 'disabled' });
}
