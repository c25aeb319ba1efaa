import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { AdminServerDeps } from '../../../src/dashboard/index.js';
import type { RangeMetric } from '../../../src/dashboard/web/range-metric.js';
import type { LiveFigures } from '../../../src/shared/live.js';
import { createMemoryLiveSource } from '../../helpers/live-source.js';
import { busy, createPageRig, everything, health, patience, picture } from './rig.js';

const { serve, open } = createPageRig();

const shown = (figures: object) => createMemoryLiveSource(figures as LiveFigures);

type Routes = AdminServerDeps['routes'];

const describedAs = (description: Partial<RangeMetric> & Pick<RangeMetric, 'name'>): RangeMetric => ({
  ...{ help: '', unit: '', aggregate: 'count', paneMs: 60_000, seriesWindows: 1, top: 10 },
  ...description,
});

const valuesOf: Readonly<Record<string, object>> = {
  visitors: { visitors: 30, pageViews: 60 },
  countries: { DE: 70, FR: 35 },
  revenue: { EUR: 720 },
  sessions: { sessions: 44 },
  funnel: { cart: 40, view: 40, purchase: 4 },
  ingestionDelay: { all: { count: 9, p50: 12, p95: 40, p99: 90 } },
};

/** Panes of a metric as the query side answers them: the numbers tell what was asked for. */
const panesRoute = (asked: URLSearchParams[]): Routes => [
  async (app) => {
    app.get('/api/metrics', async () => [
      ...['visitors', 'pages', 'categories', 'countries', 'devices'].map((name) => describedAs({ name })),
      describedAs({ name: 'revenue', aggregate: 'sum', seriesWindows: 60 }),
      describedAs({ name: 'sessions', paneMs: 1_800_000, seriesWindows: 16 }),
      describedAs({ name: 'funnel', paneMs: 1_800_000, seriesWindows: 16 }),
      describedAs({ name: 'ingestionDelay', aggregate: 'quantiles', seriesWindows: 15 }),
    ]);
    app.get<{ Params: { metric: string } }>('/api/metrics/:metric', async ({ url, params }) => {
      const query = new URL(url, 'http://local').searchParams;
      asked.push(query);
      const values = valuesOf[params.metric] ?? { '/of-the-range': 7 };
      return { metric: params.metric, panes: [{ start: query.get('from'), values }] };
    });
  },
];

describe('panels', () => {
  it('are there for every figure that the server has, known to the page or not', async () => {
    const { url } = await serve(shown({ ...everything, weather: { dry: 3, wet: 4 } }));
    const { page, problems } = await open(url);
    await page.locator('[data-panel="weather"]').waitFor();
    expect(await page.locator('[data-panel="weather"] h2').textContent()).toContain('Weather');
    expect(await page.locator('#weather .bar').allTextContents()).toEqual(['dry3', 'wet4']);
    expect(await page.locator('#countries .bar-label').first().textContent()).toBe('Germany');
    expect(await page.locator('#funnel .bar-value').allTextContents()).toEqual([
      '1,204 · 100%',
      '288 · 24%',
      '97 · 8%',
    ]);
    expect(await page.locator('[data-panel="sessions"] .total').textContent()).toContain('open now96');
    expect(await page.locator('#sessions-table tbody tr').count()).toBe(16);
    expect(await page.locator('[data-panel="revenue"] .total b').allTextContents()).toEqual(['76', '313.50']);
    expect(await page.locator('[data-panel="ingestionDelay"] .total').allTextContents()).toHaveLength(3);
    const steps = page.locator('#offers tbody td.col-step');
    expect(await steps.count()).toBe(20);
    expect((await steps.allTextContents()).slice(0, 2)).toEqual(['browsing → clothes', 'offer: outfit-discount']);
    expect(await page.locator('#offers tr.valuable td.col-step').first().textContent()).toBe('offer: outfit-discount');
    expect(problems).toEqual([]);
  });

  it('are not there for figures that the server does not have, and come when it has them', async () => {
    const source = shown(busy);
    const { url } = await serve(source);
    const { page, problems } = await open(url);
    await page.locator('[data-panel="events"]').waitFor();
    expect(await page.locator('[data-panel="funnel"]').count()).toBe(0);
    source.push({ metrics: everything.metrics });
    await page.locator('#funnel .bar').first().waitFor();
    const nothing = { ...everything.metrics.funnel, values: [] };
    source.push({ metrics: { funnel: nothing }, sessions: null, oddity: null, words: 'none' } as never);
    await expect.poll(() => page.locator('[data-panel="funnel"] .none').first().isVisible(), patience).toBe(true);
    expect(problems).toEqual([]);
  });

  it('show texts as a list, and nothing where there is nothing any more', async () => {
    const { revenue } = everything.metrics;
    const textMetric = { ...revenue, aggregate: 'last' as const, series: [] };
    const source = shown({
      ...busy,
      metrics: {
        revenue,
        lastPage: { ...textMetric, values: [{ key: 'all', value: '/sale' }] },
        firstPage: {
          ...textMetric,
          values: [
            { key: 'blog', value: '/a' },
            { key: 'shop', value: '/b' },
          ],
        },
      },
    });
    const { url } = await serve(source);
    const { page, problems } = await open(url);
    await expect.poll(() => page.locator('#lastPage tbody td').allTextContents(), patience).toEqual(['/sale']);
    expect(await page.locator('#firstPage tbody td').allTextContents()).toEqual(['blog', '/a', 'shop', '/b']);
    await expect.poll(() => page.locator('[data-panel="revenue"] .total').count(), patience).toBe(2);
    const windows = revenue.series.map(({ start }) => ({ start, values: {} }));
    source.push({ metrics: { revenue: { ...revenue, values: [], series: windows } } });
    await expect.poll(() => page.locator('[data-panel="revenue"] .total').count(), patience).toBe(0);
    expect(await page.locator('[data-panel="revenue"] .none').isVisible()).toBe(true);
    expect(problems).toEqual([]);
  });

  it('show a drawing as a table to who would rather read', async () => {
    const { url } = await serve(shown(busy));
    const { page } = await open(url);
    const button = page.locator('[data-panel="traffic"] button');
    await button.click();
    expect(await button.getAttribute('aria-pressed')).toBe('true');
    expect(await page.locator('#traffic-table tbody tr').first().isVisible()).toBe(true);
    expect(await page.locator('#traffic').isVisible()).toBe(false);
    await button.click();
    expect(await page.locator('#traffic').isVisible()).toBe(true);
  });
});

describe('another range', () => {
  it('is read from the panes, and the live one comes back', async () => {
    const asked: URLSearchParams[] = [];
    const { url } = await serve(shown(busy), { routes: panesRoute(asked) });
    const { page } = await open(url);
    await page.locator('#pages .bar').first().waitFor();
    // From the keyboard: the radio buttons are one stop, and arrow keys move in it.
    await page.locator('#range input[value="live"]').focus();
    for (const _ of ['1h', '6h']) await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.locator('#pages .bar').allTextContents(), patience).toEqual(['/of-the-range7']);
    await expect.poll(() => page.locator('#traffic-table tbody tr').count(), patience).toBe(72);
    expect(await page.locator('[data-panel="pages"] h2').textContent()).toBe('Pages views in the last 6 hours');
    expect(await page.locator('[data-panel="traffic"] h2').textContent()).toContain('mean of 5 minutes');
    const first = page.locator('#traffic-table tbody tr').first().locator('td');
    expect((await first.allTextContents()).slice(1)).toEqual(['6', '12']);
    const spans = asked.map((query) => Date.parse(query.get('to') ?? '') - Date.parse(query.get('from') ?? ''));
    expect(Math.max(...spans)).toBe(6 * 3_600_000);
    await page.locator('#range label').first().click();
    await expect.poll(() => page.locator('#pages .bar').count(), patience).toBe(10);
    expect(await page.locator('#traffic-table tbody tr').count()).toBe(15);
  });

  it('is that of every metric that has panes, in its own form and in whole panes', async () => {
    const asked: URLSearchParams[] = [];
    const { url } = await serve(shown(everything), { routes: panesRoute(asked) });
    const { page, problems } = await open(url);
    await page.locator('#countries .bar').first().waitFor();
    await page.locator('#range label').nth(2).click();
    await expect
      .poll(() => page.locator('#countries .bar').allTextContents(), patience)
      .toEqual(['Germany70', 'France35']);
    const title = (panel: string) => page.locator(`[data-panel="${panel}"] h2`).textContent();
    expect(await title('countries')).toBe('Countries last 6 hours');
    await expect
      .poll(() => page.locator('[data-panel="revenue"] .total b').allTextContents(), patience)
      .toEqual(['720']);
    expect(await page.locator('#revenue-table tbody tr').count()).toBe(72);
    expect(await title('revenue')).toBe('Revenue last 6 hours, in steps of 5 minutes');
    await expect.poll(() => page.locator('#sessions-table tbody tr').count(), patience).toBe(12);
    expect(await page.locator('[data-panel="sessions"] .total b').allTextContents()).toEqual(['44']);
    await expect
      .poll(() => page.locator('#funnel .bar-value').allTextContents(), patience)
      .toEqual(['40 · 100%', '40 · 100%', '4 · 10%']);
    expect(await page.locator('#funnel .bar-label').allTextContents()).toEqual(['view', 'cart', 'purchase']);
    const delays = page.locator('#ingestionDelay-table tbody tr');
    await expect.poll(() => delays.count(), patience).toBe(72);
    expect((await delays.first().locator('td').allTextContents()).slice(1)).toEqual(['12', '40', '90']);
    // Nothing was measured in a step without events, and nothing is no 0.
    expect((await delays.nth(1).locator('td').allTextContents()).slice(1)).toEqual(['–', '–', '–']);
    // Distinct visitors by device are of minutes alone, and lists are of now.
    expect(await page.locator('[data-panel="devices"] h2').textContent()).toContain('last 10 minutes');

    await page.locator('#range label').first().click();
    await expect.poll(() => title('revenue'), patience).toBe('Revenue each minute');
    expect(await page.locator('[data-panel="sessions"] .total').textContent()).toContain('open now96');
    expect(problems).toEqual([]);
  });

  it('that is slow never takes the place of one that was chosen after it, nor its failure', async () => {
    const held = new Map<string, ((status: number) => void)[]>();
    const release = (hours: string, status: number) => {
      for (const answer of held.get(hours)?.splice(0) ?? []) answer(status);
    };
    const routes: Routes = [
      async (app) => {
        app.get('/api/metrics', async () => [describedAs({ name: 'pages' })]);
        app.get('/api/metrics/:metric', async ({ url }, reply) => {
          const query = new URL(url, 'http://local').searchParams;
          const [from = '', to = ''] = [query.get('from'), query.get('to')].map((time) => time ?? '');
          const hours = String((Date.parse(to) - Date.parse(from)) / 3_600_000);
          const status = await new Promise<number>((answer) => {
            held.set(hours, [...(held.get(hours) ?? []), answer]);
          });
          return reply.code(status).send({ panes: [{ start: from, values: { [`/of-${hours}-hours`]: 1 } }] });
        });
      },
    ];
    const { url } = await serve(shown(busy), { routes });
    const { page, text } = await open(url);
    const pages = () => page.locator('#pages .bar').allTextContents();
    const choose = (id: string) => page.locator('#range label', { has: page.locator(`[value="${id}"]`) }).click();
    const asked = (hours: string) => expect.poll(() => held.get(hours)?.length, patience).toBe(1);
    await page.locator('#pages .bar').first().waitFor();
    const live = await pages();
    for (const [id, hours] of [
      ['24h', '24'],
      ['7d', '168'],
      ['6h', '6'],
    ] as const) {
      await choose(id);
      await asked(hours);
    }
    release('6', 200);
    await expect.poll(pages, patience).toEqual(['/of-6-hours1']);
    release('24', 200);
    release('168', 500);
    // What a former look would do it has done when this later one is shown.
    await choose('1h');
    await asked('1');
    expect(await pages()).toEqual(['/of-6-hours1']);
    await choose('live');
    await expect.poll(pages, patience).toEqual(live);
    release('1', 200);
    await choose('6h');
    await asked('6');
    expect(await pages()).toEqual(live);
    expect(await text('#range-problem')).toBe('');
    release('6', 200);
    await expect.poll(pages, patience).toEqual(['/of-6-hours1']);
  });

  it('of days has the names of days beneath it, however narrow its panel', async () => {
    const { url } = await serve(shown(everything), { routes: panesRoute([]) });
    const { page } = await open(url, { width: 320, height: 800 });
    await page.locator('#pages .bar').first().waitFor();
    await page.locator('#range label').nth(4).click();
    await expect
      .poll(() => page.locator('[data-panel="revenue"] h2').textContent(), patience)
      .toBe('Revenue last 7 days, in steps of 2 hours');
    const inkBelow = (canvas: HTMLCanvasElement) => {
      const context = canvas.getContext('2d') as CanvasRenderingContext2D;
      const { data } = context.getImageData(60, canvas.height - 18, canvas.width - 60, 18);
      return data.filter((value, index) => index % 4 === 3 && value > 0).length;
    };
    for (const panel of ['traffic', 'revenue'])
      await expect
        .poll(() => page.locator(`[data-panel="${panel}"] canvas`).evaluate(inkBelow), patience)
        .toBeGreaterThan(100);
  });

  it('that cannot be read is said to be so', async () => {
    const { url } = await serve(shown(busy));
    const { page, text } = await open(url);
    await page.locator('#pages .bar').first().waitFor();
    await page.locator('#range label').nth(3).click();
    await expect.poll(() => text('#range-problem'), patience).toContain('could not be read');
    expect(await page.locator('#pages .bar').count()).toBe(10);
  });
});

describe('one visitor', () => {
  const events: Routes = [
    async (app) => {
      app.get<{ Querystring: { id: string } }>('/api/visitors/events', async ({ query }) => ({
        events: [{ id: 'e', type: `of ${query.id}`, time: '2026-11-21T11:59:00.000Z', source: 'shop', path: '/deep' }],
        minutes: 60,
        complete: true,
      }));
    },
  ];

  it('is looked into from the keyboard, and the focus goes back to where it was', async () => {
    const { url } = await serve(shown(busy), { routes: events });
    const { page, text } = await open(url);
    const name = page.locator('#latest td button').first();
    await name.focus();
    await page.keyboard.press('Enter');
    await page.locator('dialog[open]').waitFor();
    await expect.poll(() => text('#visitor-events tbody'), patience).toBe('11:59:00of visitor-1/deepshop');
    expect(await text('#visitor-status')).toBe('1 event in the last 60 minutes.');
    expect(await text('#visitor-id')).toBe('visitor-1');
    await page.keyboard.press('Escape');
    expect(await page.locator('dialog[open]').count()).toBe(0);
    expect(await name.evaluate((element) => element === document.activeElement)).toBe(true);
  });

  it('whose events cannot be read is said to be so', async () => {
    const { url } = await serve(shown(busy));
    const { page, text } = await open(url);
    await page.locator('#events td button').first().click();
    await expect.poll(() => text('#visitor-status'), patience).toBe('This dashboard does not read the hub.');
  });
});

describe('the system itself', () => {
  it('tells how far it is and which part is in trouble, by more than a colour', async () => {
    const health = {
      asOf: '2026-11-21T12:00:30.000Z',
      parts: [
        { name: 'Gateway to hub:clicks', state: 'good', text: 'up' },
        { name: 'Broker', state: 'bad', text: 'does not answer' },
      ],
      partitions: [
        {
          partition: '0',
          lag: 12,
          sequenceNumber: 4_711,
          watermark: '2026-11-21T12:00:29.000Z',
          appliedAt: '2026-11-21T12:00:30.000Z',
          savedAt: null,
          offersWaiting: 4,
          offersGivenUp: 1,
          idsRememberedMs: 754_000,
        },
      ],
      totals: { counted: 1_000, late: 3 },
    };
    const routes: Routes = [async (app) => void app.get('/api/system', async () => health)];
    const { url } = await serve(shown(everything), { routes });
    const { page } = await open(url);
    await page.locator('[data-panel="system"]').waitFor();
    const cells = await page.locator('#partitions tbody td').allTextContents();
    expect(cells).toEqual(['0', '12', '12:00:29', '0 s ago', '–', '4,711']);
    expect(await page.locator('.sum dd').allTextContents()).toEqual(['1,000', '0', '0', '3', '4', '1', '12 min']);
    expect((await page.locator('.sum dt').allTextContents()).slice(-3)).toEqual([
      'offers waiting',
      'offers given up',
      'ids known for',
    ]);
    expect(await page.getByRole('img', { name: 'in trouble' }).count()).toBe(1);
  });
});

describe('colours', () => {
  const ground = (page: Page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

  it('follow the system, or what was chosen on the page, from the first paint on', async () => {
    const { url } = await serve(shown(busy));
    const { page, text } = await open(url);
    await page.emulateMedia({ colorScheme: 'dark' });
    const dark = await ground(page);
    await page.emulateMedia({ colorScheme: 'light' });
    const light = await ground(page);
    expect(light).not.toBe(dark);
    await page.locator('#theme').click();
    expect([await text('#theme-name'), await ground(page)]).toEqual(['Light', light]);
    await page.locator('#theme').click();
    expect([await text('#theme-name'), await ground(page)]).toEqual(['Dark', dark]);
    await page.reload({ waitUntil: 'commit' });
    await page.locator('body').waitFor();
    expect(await ground(page)).toBe(dark);
  });
});

/** Delays that are so many times longer. */
const delayOf = (times: number) => ({
  ...everything.metrics.ingestionDelay,
  values: [{ key: 'all', value: { count: 900, p50: 12 * times, p95: 41 * times, p99: 88 * times } }],
});

describe('the page at rest and at work', () => {
  it('stands still: nothing on it ever moves by itself', async () => {
    const source = shown(everything);
    const { url } = await serve(source, { feed: { minIntervalMs: 20 } });
    const { page, figure } = await open(url, { width: 1280, height: 2_400 }, () => {
      const shifts: string[] = [];
      Object.assign(window, { shifts });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as (PerformanceEntry & {
          value: number;
          hadRecentInput: boolean;
          sources?: { node?: Element }[];
        })[]) {
          if (!entry.hadRecentInput && entry.value > 0) {
            shifts.push(`${entry.value} ${entry.sources?.map(({ node }) => node?.outerHTML?.slice(0, 80)).join(' ')}`);
          }
        }
      }).observe({ type: 'layout-shift', buffered: true });
    });
    await expect.poll(() => figure('visitors-total'), patience).toBe('312');
    for (let turn = 1; turn <= 20; turn++) {
      source.push({
        visitors: {
          total: 10 ** (turn % 9),
          series: everything.visitors.series.map((pane) => ({ ...pane, visitors: pane.visitors * 9 ** (turn % 4) })),
        },
        sessions: { ...everything.sessions, open: 10 ** (turn % 5) },
        pages: everything.pages.slice(turn % 10).map(({ path, views }) => ({ path, views: views * 10 ** (turn % 6) })),
        devices: { total: turn, byType: Object.fromEntries(Object.entries(everything.devices.byType).slice(turn % 5)) },
        events: everything.events.slice(turn * 5).map((event) => ({ ...event, id: `${event.id}-${turn % 2}` })),
        visitorsLatest: everything.visitorsLatest.slice(turn % 11),
        offers: everything.offers.slice(turn),
        metrics: { ...everything.metrics, ingestionDelay: delayOf(10 ** (turn % 6)) },
      } as never);
      await expect.poll(() => figure('visitors-total'), patience).toBe((10 ** (turn % 9)).toLocaleString('en'));
    }
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    expect(await page.evaluate(() => (window as unknown as { shifts: string[] }).shifts)).toEqual([]);
  });

  it('is small enough to paint within a second, and everything comes from its own server', async () => {
    const { url } = await serve(shown(everything));
    const { page, figure } = await open(url);
    await expect.poll(() => figure('visitors-total'), patience).toBe('312');
    const loaded = await page.evaluate(() =>
      (performance.getEntries() as PerformanceResourceTiming[])
        .filter(({ entryType, name }) => entryType === 'navigation' || /\.(js|css|svg)$/.test(name))
        .map(({ name, encodedBodySize }) => ({ origin: new URL(name).origin, bytes: encodedBodySize })),
    );
    expect(new Set(loaded.map(({ origin }) => origin))).toEqual(new Set([url]));
    expect(loaded.length).toBeGreaterThanOrEqual(4);
    // 100 kB are 0.5 s at 1.6 Mbit/s, the slow mobile network that page speed is measured with.
    expect(loaded.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(100_000);
    const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint').length);
    expect(paint).toBe(1);
  });

  it.each([
    ['desktop', 1_440, 'light'],
    ['dark', 1_440, 'dark'],
    ['phone', 360, 'light'],
  ] as const)('is no wider than the screen and every control has a name (%s)', async (name, width, colorScheme) => {
    const routes: Routes = [async (app) => void app.get('/api/system', async () => health)];
    const { url } = await serve(shown(everything), { routes });
    const { page, figure } = await open(url, { width, height: width < 500 ? 800 : 1_000 });
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await expect.poll(() => figure('visitors-total'), patience).toBe('312');
    await page.locator('[data-panel="system"] tbody tr').first().waitFor();
    await picture(page, name);
    if (name === 'desktop') await picture(page, 'whole', true);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    expect(await page.evaluate(nameless)).toEqual([]);
    const levels = await page.locator('h1, h2, h3, h4').evaluateAll((all) => all.map(({ tagName }) => tagName));
    expect([levels[0], levels.filter((level) => level === 'H1').length]).toEqual(['H1', 1]);
    const ids = await page.locator('[id]').evaluateAll((all) => all.map(({ id }) => id));
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  });
});

/** Controls without a name, references to nothing, and what is hidden but can be reached. Runs in the browser. */
function nameless(): string[] {
  const bad: string[] = [];
  for (const element of document.querySelectorAll<HTMLElement>('button, a[href], input, select, [tabindex="0"]')) {
    if (!element.checkVisibility({ visibilityProperty: true })) continue;
    const label = element.closest('label')?.textContent ?? '';
    const labelledBy = element.getAttribute('aria-labelledby');
    const by = labelledBy ? document.getElementById(labelledBy)?.textContent : '';
    const name = element.getAttribute('aria-label') || by || label || element.textContent;
    if (!name?.trim()) bad.push(element.outerHTML.slice(0, 120));
    if (element.closest('[aria-hidden="true"]')) bad.push(`hidden: ${element.outerHTML.slice(0, 120)}`);
  }
  for (const element of document.querySelectorAll('[aria-labelledby]')) {
    const id = element.getAttribute('aria-labelledby') as string;
    if (!document.getElementById(id)) bad.push(`nothing is named ${id}`);
  }
  for (const table of document.querySelectorAll('table')) {
    if (!table.caption || table.querySelectorAll('th:not([scope])').length) bad.push(`table ${table.id}`);
  }
  return bad;
}
