import { describe, expect, it } from 'vitest';
import type { AdminServerDeps } from '../../../src/dashboard/index.js';
import { createPageRig, everything, health, patience, picture, shown } from './rig.js';

const { serve, open } = createPageRig();

type Routes = AdminServerDeps['routes'];

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
