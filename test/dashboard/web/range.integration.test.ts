import { describe, expect, it } from 'vitest';
import type { AdminServerDeps } from '../../../src/dashboard/index.js';
import type { RangeMetric } from '../../../src/dashboard/web/range-metric.js';
import { busy, createPageRig, everything, patience, shown } from './rig.js';

const { serve, open } = createPageRig();

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
