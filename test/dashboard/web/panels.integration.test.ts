import { describe, expect, it } from 'vitest';
import type { AdminServerDeps } from '../../../src/dashboard/index.js';
import { createPageRig, everything, health, patience, shown } from './rig.js';

const { serve, open } = createPageRig();

type Routes = AdminServerDeps['routes'];

describe('panels', () => {
  it('judge a change by what a rise is there, and do not where nobody knows', async () => {
    const { revenue, ingestionDelay } = everything.metrics;
    const { url } = await serve(
      shown({ ...everything, metrics: { revenue, ingestionDelay, refunds: { ...revenue, help: 'What went back.' } } }),
    );
    const { page } = await open(url);
    const changes = async (panel: string) => {
      const all = page.locator(`[data-panel="${panel}"] .total .delta`);
      await all.first().waitFor();
      return all.evaluateAll((deltas: HTMLElement[]) =>
        deltas.map(({ textContent, dataset }) => `${textContent} ${dataset['judgement']}`),
      );
    };
    expect(await changes('revenue')).toEqual(['▲ 76 good', '▼ 6 bad']);
    expect(await changes('ingestionDelay')).toEqual(['▲ 1 bad', '▲ 2 bad', '▲ 6 bad']);
    expect(await changes('refunds')).toEqual(['▲ 76 neither', '▼ 6 neither']);
    expect(await page.locator('[data-panel="refunds"] .total b').allTextContents()).toEqual(['76', '313.50']);
  });

  it('tell the day of what was not today', async () => {
    const time = '2015-05-17T10:05:03.000Z';
    const old = <T extends { time: string }>(items: readonly T[]) =>
      items.slice(0, 3).map((item) => ({ ...item, time }));
    const source = shown({
      ...everything,
      visitorsLatest: old(everything.visitorsLatest),
      events: old(everything.events),
      offers: old(everything.offers),
    });
    const routes: Routes = [
      async (app) =>
        void app.get('/api/system', async () => ({
          ...health,
          partitions: health.partitions.map((each) => ({ ...each, watermark: time })),
        })),
    ];
    const { url } = await serve(source, { routes });
    const { page } = await open(url, { width: 360, height: 800 });
    const first = (table: string, column: string) => page.locator(`#${table} tbody td.${column}`).first();
    for (const table of ['latest', 'events', 'offers']) {
      await expect.poll(() => first(table, 'col-time').textContent(), patience).toBe('17 May 2015, 10:05');
      const isCut = await first(table, 'col-time').evaluate(
        ({ scrollWidth, clientWidth }) => scrollWidth > clientWidth,
      );
      expect(isCut).toBe(false);
    }
    await expect.poll(() => first('partitions', 'col-watermark').textContent(), patience).toBe('17 May 2015, 10:05');
    source.push({ events: everything.events });
    await expect.poll(() => first('events', 'col-time').textContent(), patience).toBe('12:00:30');
  });

  it('have room on a phone for what they are about', async () => {
    const { sessions } = everything;
    const revised = { ...sessions, series: sessions.series.map((pane) => ({ ...pane, revision: 1 })) };
    const { url } = await serve(shown({ ...everything, sessions: revised }));
    const { page } = await open(url, { width: 360, height: 800 });
    const steps = page.locator('#offers tbody td.col-step');
    await expect.poll(() => steps.first().textContent(), patience).toBe('browsing → clothes');
    const cut = (cells: HTMLElement[]) =>
      cells.filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth).length;
    expect(await steps.filter({ hasText: '→ clothes' }).evaluateAll(cut)).toBe(0);
    const when = page.locator('[data-panel="sessions"] .legend-when dd');
    expect(await when.textContent()).toContain(', revised');
    expect(await when.evaluateAll(cut)).toBe(0);
  });

  it('show ten lines of a list whole', async () => {
    const { url } = await serve(shown(everything));
    const { page } = await open(url, { width: 1440, height: 900 });
    for (const table of ['latest', 'events', 'offers']) {
      const rows = page.locator(`#${table} tbody tr`);
      await rows.nth(9).waitFor();
      const missing = await rows.nth(9).evaluate((row) => {
        const list = row.closest('.scroll') as HTMLElement;
        return row.getBoundingClientRect().bottom - list.getBoundingClientRect().bottom;
      });
      expect(missing).toBeLessThanOrEqual(0);
    }
  });
});
