import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { AdminServerDeps } from '../../../src/dashboard/index.js';
import { busy, createPageRig, everything, patience, shown } from './rig.js';

const { serve, open } = createPageRig();

type Routes = AdminServerDeps['routes'];

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
