import { describe, expect, it } from 'vitest';
import type { LiveFigures } from '../../../src/shared/live.js';
import { createMemoryLiveSource } from '../../helpers/live-source.js';
import { createPageRig, everything, patience } from './rig.js';

const { serve, open } = createPageRig();

/** What a large site has: millions, and amounts of money with cents. */
const { revenue, funnel } = everything.metrics;
const large = {
  ...everything,
  visitors: {
    total: 1_234_567,
    series: everything.visitors.series.map((pane) => ({ ...pane, visitors: 123_456, pageViews: 1_345_678 })),
  },
  devices: { total: 1_234_567, byType: { desktop: 1_000_000, mobile: 234_566, tablet: 1 } },
  pages: everything.pages.map(({ path }, index) => ({ path, views: 12_345_678_901 - index })),
  metrics: {
    ...everything.metrics,
    funnel: { ...funnel, values: funnel.values.map(({ key }, index) => ({ key, value: 1_234_567 / (index + 1) })) },
    refunds: {
      ...revenue,
      series: revenue.series.map((window, index) => ({
        ...window,
        values: { EUR: 98_765.43 * index, CHF: 119.14 * index, SEK: -1_234.5 * index },
      })),
    },
    revenue: {
      ...revenue,
      values: ['EUR', 'CHF', 'SEK', 'PLN'].map((key, index) => ({ key, value: 98_765.43 - index })),
      series: revenue.series.map((window, index) => ({
        ...window,
        values: { EUR: 98_765.43 + index, CHF: -12_345.6 },
      })),
    },
  },
};

describe('numbers', () => {
  it.each([320, 1_280])('of a large site are whole at %d pixels: one that is cut is another one', async (width) => {
    const { url } = await serve(createMemoryLiveSource(large as unknown as LiveFigures));
    const { page, figure } = await open(url, { width, height: 900 });
    await expect.poll(() => figure('visitors-total'), patience).toBe('1,234,567');
    const looked = await page.evaluate(() =>
      [...document.querySelectorAll('.number, .bar-value, .legend dd, .total b, .total .delta, .device b')].map(
        (number) => ({
          text: number.textContent,
          isCut: number.scrollWidth > number.clientWidth,
        }),
      ),
    );
    expect(looked.length).toBeGreaterThan(30);
    expect(looked.filter(({ isCut }) => isCut)).toEqual([]);
    expect(looked.map(({ text }) => text)).toEqual(expect.arrayContaining(['12.3B', '98.8K', '-12.3K']));
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
  });

  it('below zero are drawn', async () => {
    const { url } = await serve(createMemoryLiveSource(large as unknown as LiveFigures));
    const { page } = await open(url);
    const ticks = page.locator('[data-panel="revenue"] canvas');
    await ticks.waitFor();
    // Its lines are all there is of these colours: the lower half has the one below zero.
    const inLowerHalf = () =>
      ticks.evaluate((canvas: HTMLCanvasElement) => {
        const { width, height } = canvas;
        const half = Math.floor(height / 2);
        const context = canvas.getContext('2d') as CanvasRenderingContext2D;
        const { data } = context.getImageData(0, half, width, height - half);
        let coloured = 0;
        for (let at = 0; at < data.length; at += 4) {
          const [red = 0, green = 0, blue = 0] = data.subarray(at, at + 3);
          if ((data[at + 3] as number) > 200 && Math.max(red, green, blue) - Math.min(red, green, blue) > 90)
            coloured++;
        }
        return coloured;
      });
    await expect.poll(inLowerHalf, patience).toBeGreaterThan(100);
  });
});

it('where the system forces its colours the chosen range is told from the others, and drawings keep theirs', async () => {
  const { url } = await serve(createMemoryLiveSource(everything as unknown as LiveFigures));
  const { page, figure } = await open(url);
  await page.emulateMedia({ forcedColors: 'active' });
  await expect.poll(() => figure('visitors-total'), patience).toBe('312');
  const grounds = await page.evaluate(() =>
    [...document.querySelectorAll('#range input')].map((input) => getComputedStyle(input).backgroundColor),
  );
  expect(new Set(grounds).size).toBe(2);
  expect(grounds[0]).not.toBe(grounds[1]);
  const keys = await page.evaluate(() =>
    [...document.querySelectorAll('[data-panel="traffic"] .key dt')].map(
      (key) => getComputedStyle(key, '::before').backgroundColor,
    ),
  );
  expect(new Set(keys).size).toBe(2);
});
