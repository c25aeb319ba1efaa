import { describe, expect, it } from 'vitest';
import type { AdminServerDeps } from '../../../src/dashboard/index.js';
import { busy, createPageRig, everything, patience, shown } from './rig.js';

const { serve, open } = createPageRig();
describe('a metric', () => {
  it('that the server has no more leaves nothing of its figures on the page', async () => {
    const source = shown(everything);
    const { url } = await serve(source);
    const { page, problems } = await open(url);
    await page.locator('#countries .bar').first().waitFor();
    source.push({ metrics: {} });
    await expect.poll(() => page.locator('#countries .bar').count(), patience).toBe(0);
    expect(await page.locator('[data-panel="countries"] .none').first().isVisible()).toBe(true);
    expect(await page.locator('[data-panel="revenue"] .total').count()).toBe(0);
    source.push({ metrics: everything.metrics });
    await expect.poll(() => page.locator('#countries .bar').count(), patience).toBe(7);
    expect(problems).toEqual([]);
  });

  it('whose definition has changed is shown as it is now, and once', async () => {
    const { revenue } = everything.metrics;
    const source = shown({ ...busy, metrics: { revenue } });
    const { url } = await serve(source);
    const { page, problems } = await open(url);
    const panel = page.locator('[data-panel="revenue"]');
    await panel.locator('canvas').waitFor();
    source.push({ metrics: { revenue: { ...revenue, series: [] } } });
    await expect.poll(() => panel.locator('.bar').count(), patience).toBe(2);
    expect(await panel.locator('.legend, .button, canvas').count()).toBe(0);
    source.push({ metrics: { revenue } });
    await panel.locator('canvas').waitFor();
    expect(await panel.locator('.legend').count()).toBe(1);
    expect(await panel.locator('.bar').count()).toBe(0);
    expect(problems).toEqual([]);
  });
});

it('rows that stand still under the keyboard keep their marks, too', async () => {
  const source = shown(busy);
  const { url } = await serve(source);
  const { page, figure } = await open(url);
  const first = page.locator('#events tbody tr').first();
  await first.waitFor();
  expect(await first.getAttribute('class')).toContain('valuable');
  // Of a focus that a script gives, a browser shows it when the keyboard was used last.
  await page.keyboard.press('Tab');
  await page.locator('#events td button').first().focus();
  source.push({ visitors: { ...busy.visitors, total: 8 }, events: busy.events.slice(1) });
  await expect.poll(() => figure('visitors-total'), patience).toBe('8');
  expect(await first.locator('.col-type').textContent()).toBe('purchase');
  expect(await first.getAttribute('class')).toContain('valuable');
  await page.locator('#pause').focus();
  await expect.poll(() => first.locator('.col-type').textContent(), patience).toBe('page_view');
  expect(await first.getAttribute('class')).not.toContain('valuable');
});

describe('who reads it', () => {
  it('with a text of twice the size is not shown half of a number', async () => {
    const { url } = await serve(shown(everything));
    const { page, figure } = await open(url, { width: 1_440, height: 1_000 });
    await expect.poll(() => figure('visitors-total'), patience).toBe('312');
    await page.evaluate(() => {
      document.documentElement.style.fontSize = '200%';
    });
    const cut = await page
      .locator('.number, .total b, .bar, .device, .totals')
      .evaluateAll((all) =>
        all
          .filter(({ scrollHeight, clientHeight }) => scrollHeight > clientHeight + 1)
          .map(({ className, textContent }) => `${className}: ${textContent}`),
      );
    expect(cut).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(1_440);
  });

  it('at four times the size finds all in a column of 320 pixels', async () => {
    const { url } = await serve(shown({ ...everything, pages: [{ path: `/${'x'.repeat(500)}`, views: 1e15 }] }));
    const { page, figure } = await open(url, { width: 320, height: 256 });
    await expect.poll(() => figure('visitors-total'), patience).toBe('312');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  });

  it('on paper reads it in dark on light, without what can be pressed', async () => {
    const { url } = await serve(shown(everything));
    const { page, figure } = await open(url);
    await expect.poll(() => figure('visitors-total'), patience).toBe('312');
    await page.emulateMedia({ colorScheme: 'dark', media: 'print' });
    expect(await page.locator('.button:visible').count()).toBe(0);
    const ink = await page.evaluate(() => getComputedStyle(document.body).color);
    expect(ink).toBe('rgb(18, 35, 43)');
  });

  it('while clocks are set back can tell the two hours from each other', async () => {
    const { revenue } = everything.metrics;
    const series = ['2026-10-24T23:45:00Z', '2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', '2026-10-25T02:00:00Z'];
    const { url } = await serve(
      shown({
        ...busy,
        metrics: { revenue: { ...revenue, series: series.map((start) => ({ start, values: { EUR: 1 } })) } },
      }),
    );
    const times = async (timezoneId: string) => {
      const { page } = await open(url, { width: 1_280, height: 900, timezoneId });
      const cells = page.locator('#revenue-table tbody td:first-child');
      await expect.poll(() => cells.count(), patience).toBe(4);
      return cells.allTextContents();
    };
    expect(await times('Europe/Berlin')).toEqual(['01:45', '02:30 GMT+2', '02:30 GMT+1', '03:00']);
    expect(await times('Asia/Kathmandu')).toEqual(['05:30', '06:15', '07:15', '07:45']);
    expect(await times('America/St_Johns')).toEqual(['21:15', '22:00', '23:00', '23:30']);
  });

  it('a name of nothing, or one that turns a line around, sees that it is one', async () => {
    const views = ['/\u202Egpj.exe', ' ', '/مرحبا', '__proto__', 'constructor'].map((path, at) => ({
      path,
      views: 9 - at,
    }));
    const { url } = await serve(shown({ ...busy, pages: views }));
    const { page } = await open(url);
    await expect
      .poll(() => page.locator('#pages .bar-label').allTextContents(), patience)
      .toEqual(['/\uFFFDgpj.exe', '(blank)', '/مرحبا', '__proto__', 'constructor']);
  });
});

it('the health that cannot be read any more is said to be old, and the worst of it stands first', async () => {
  let failing = false;
  const part = (name: string, state: string) => ({ name, state, text: '' });
  const health = {
    asOf: '2026-11-21T12:00:30.000Z',
    parts: [part('Broker', 'good'), part('Metric revenue', 'warn'), part('Partition 3', 'bad')],
    partitions: [],
    totals: {},
  };
  let answer: object = health;
  const routes: AdminServerDeps['routes'] = [
    async (app) => {
      app.get('/api/system', async (_request, reply) => reply.code(failing ? 503 : 200).send(answer));
    },
  ];
  const { url } = await serve(shown(everything), { routes });
  const { page } = await open(url);
  await page.locator('.part').first().waitFor();
  expect(await page.locator('.part b').allTextContents()).toEqual(['Partition 3', 'Metric revenue', 'Broker']);
  const heading = () => page.locator('[data-panel="system"] h2').textContent();
  answer = { ...health, parts: [part('Redis', 'bad'), part('Broker', 'good')], partitions: null, totals: null };
  await expect.poll(heading, patience).toBe('System figures cannot be read; as of 12:00');
  expect(await page.locator('.part b').allTextContents()).toEqual(['Redis', 'Broker']);
  failing = true;
  await expect.poll(heading, patience).toBe('System cannot be read; as of 12:00');
});
