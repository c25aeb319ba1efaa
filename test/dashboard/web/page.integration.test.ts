import { describe, expect, it } from 'vitest';
import type { LiveFigures } from '../../../src/shared/live.js';
import { createMemoryLiveSource, noFigures } from '../../helpers/live-source.js';
import { startProxy } from '../../helpers/proxy.js';
import { busy, createPageRig, patience } from './rig.js';

const TOKEN = 'a-token-that-nobody-guesses';
const HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>';

const { serve, open } = createPageRig();

describe('the page', () => {
  it('shows the figures', async () => {
    const { url } = await serve(createMemoryLiveSource(busy));
    const { page, figure, text, state, problems } = await open(url);
    await expect.poll(() => figure('visitors-total'), patience).toBe('1,234');
    expect(await figure('page-views-total')).toBe('1,605');
    expect(await figure('visitors-minute')).toBe('23 in the last full minute');
    expect(await figure('visitors-change')).toBe('▲ 1');
    expect(await figure('devices-total')).toBe('20');
    expect(await figure('devices-change')).toBe('60% on desktop');
    expect(await figure('newest-type')).toBe('purchase');
    expect(await state()).toBe('Live');
    expect(await text('[data-testid="as-of"]')).toBe('12:00:30');
    expect(await page.locator('#pages li').allTextContents()).toHaveLength(10);
    expect(await text('#categories li:nth-child(2)')).toBe('tents4');
    expect(await page.locator('#events tbody tr').count()).toBe(100);
    expect(await page.locator('#latest tbody td').allTextContents()).toEqual([
      '12:00:30',
      'visitor-1',
      '203.0.113.0',
      'Germany',
    ]);
    expect(await page.title()).toBe('1,234 visitors · Penstock');
    expect(problems).toEqual([]);
  });

  it('has no column of countries where no country is known', async () => {
    const { url } = await serve(
      createMemoryLiveSource({
        ...busy,
        visitorsLatest: [{ time: noFigures.asOf, anonymousId: 'a', ip: '203.0.113.0' }],
      }),
    );
    const { page } = await open(url);
    await page.locator('#latest tbody tr').waitFor();
    expect(await page.locator('#latest .col-ip').first().isVisible()).toBe(true);
    expect(await page.locator('#latest .col-country').first().isVisible()).toBe(false);
  });

  it('draws the series, and tells it to who cannot see the drawing', async () => {
    const { url } = await serve(createMemoryLiveSource(busy));
    const { page, figure } = await open(url);
    await expect.poll(() => figure('visitors-total'), patience).toBe('1,234');
    const colours = await page.evaluate(() => {
      const canvas = document.querySelector('canvas') as HTMLCanvasElement;
      const { data } = (canvas.getContext('2d') as CanvasRenderingContext2D).getImageData(
        0,
        0,
        canvas.width,
        canvas.height,
      );
      return new Set(new Uint32Array(data.buffer)).size;
    });
    expect(colours).toBeGreaterThan(10);
    expect(await page.locator('#traffic-table tbody tr').last().locator('td').allTextContents()).toEqual([
      '12:00',
      '24',
      '114',
    ]);
  });

  it('changes when the figures change, and no panel moves', async () => {
    const source = createMemoryLiveSource(busy);
    const { url } = await serve(source);
    const { page, figure, text } = await open(url);
    await expect.poll(() => figure('visitors-total'), patience).toBe('1,234');
    const before = await page.evaluate(placesOfPanels);
    source.push({
      visitors: { ...busy.visitors, total: 98_765 },
      pages: [{ path: '/new', views: 5_000 }, ...busy.pages.slice(0, 9)],
      events: [
        { ...(busy.events[0] as LiveFigures['events'][0]), id: 'new', path: '/newest' },
        ...busy.events.slice(0, 99),
      ],
    });
    await expect.poll(() => figure('visitors-total'), patience).toBe('98,765');
    expect(await text('#pages li')).toBe('/new5,000');
    // A table follows within a second.
    await expect.poll(() => text('#events tbody tr'), patience).toContain('/newest');
    expect(await page.locator('#events tbody tr.new').count()).toBe(1);
    expect(await page.evaluate(placesOfPanels)).toEqual(before);
  });

  it('marks a few new events, and none where all are new', async () => {
    const source = createMemoryLiveSource(busy);
    const { url } = await serve(source);
    const { page, text } = await open(url);
    await expect.poll(() => text('#events tbody tr'), patience).toContain('purchase');
    const events = (count: number, path: string) =>
      Array.from({ length: count }, (_, index) => ({
        ...(busy.events[0] as LiveFigures['events'][0]),
        id: `${path} ${index}`,
        path,
      }));
    for (const [count, path, marked] of [
      [3, '/few', 3],
      [50, '/many', 0],
    ] as const) {
      source.push({ events: [...events(count, path), ...busy.events.slice(0, 50)] });
      await expect.poll(() => text('#events tbody tr'), patience).toContain(path);
      expect(await page.locator('#events tbody tr.new').count()).toBe(marked);
    }
  });

  it('stands still while it is paused, and then shows the present', async () => {
    const source = createMemoryLiveSource(busy);
    const { url } = await serve(source);
    const { page, figure, state, text } = await open(url);
    await expect.poll(() => figure('visitors-total'), patience).toBe('1,234');
    await page.locator('[data-testid="pause"]').click();
    expect(await state()).toBe('Paused');
    const other = await open(url);
    source.push({ visitors: { ...busy.visitors, total: 2 } });
    await expect.poll(() => other.figure('visitors-total'), patience).toBe('2');
    expect(await figure('visitors-total')).toBe('1,234');
    expect(await text('[data-testid="pause"]')).toBe('Resume');
    await page.locator('[data-testid="pause"]').click();
    await expect.poll(() => figure('visitors-total'), patience).toBe('2');
    expect(await state()).toBe('Live');
  });

  it('says that it reconnects while the server is away, and goes on when it is back', async () => {
    const source = createMemoryLiveSource(busy);
    const first = await serve(source);
    const { page, figure, state } = await open(first.url);
    await expect.poll(() => figure('visitors-total'), patience).toBe('1,234');
    await first.stop();
    await expect.poll(state, patience).toBe('Reconnecting');
    expect(await page.title()).toBe('Penstock');
    expect(await figure('visitors-total')).toBe('1,234');
    source.push({ visitors: { ...busy.visitors, total: 5 } });
    await serve(source, { port: Number(new URL(first.url).port) });
    await expect.poll(() => figure('visitors-total'), patience).toBe('5');
    expect(await state()).toBe('Live');
    expect(await page.title()).toBe('5 visitors · Penstock');
  });

  it('goes on where it was when only the connection broke', async () => {
    const source = createMemoryLiveSource(busy);
    const { url } = await serve(source);
    const proxy = await startProxy(Number(new URL(url).port));
    const { page, figure, state } = await open(proxy.url);
    const asked: string[] = [];
    page.on('request', (request) => void (request.url().includes('/stream') && asked.push(request.url())));
    await expect.poll(() => figure('visitors-total'), patience).toBe('1,234');
    proxy.cut();
    await expect.poll(state, patience).toBe('Reconnecting');
    source.push({ pages: [{ path: '/meanwhile', views: 1 }] });
    await proxy.mend();
    await expect.poll(() => page.locator('#pages .bar-label').allTextContents(), patience).toEqual(['/meanwhile']);
    expect(asked.at(-1)).toMatch(/\?lastEventId=.+\.\d+$/);
    expect(await figure('visitors-total')).toBe('1,234');
    expect(await page.title()).toBe('1,234 visitors · Penstock');
    expect(await state()).toBe('Live');
    await proxy.stop();
  });

  it('says so when the server has no figures', async () => {
    const source = createMemoryLiveSource(busy);
    const { url } = await serve(source, { feed: { refreshMs: 100 } });
    const { figure, state } = await open(url);
    await expect.poll(() => figure('visitors-total'), patience).toBe('1,234');
    source.fail(true);
    await expect.poll(state, patience).toBe('No figures: the server cannot read them');
    source.fail(false);
    await expect.poll(state, patience).toBe('Live');
  });

  it('shows how to send the first event while there is none', async () => {
    const source = createMemoryLiveSource();
    const { url } = await serve(source);
    const { page, text } = await open(url);
    const panel = page.locator('#empty');
    await panel.waitFor();
    await expect.poll(() => text('[data-testid="first-event"]'), patience).toContain('http://127.0.0.1:9999/v1/events');
    expect(await text('[data-testid="first-event"]')).toContain("-H 'X-Write-Key: the-write-key'");
    source.push(busy);
    await panel.waitFor({ state: 'hidden' });
  });

  it('shows hostile names as the text that they are', async () => {
    const { url } = await serve(
      createMemoryLiveSource({
        ...busy,
        pages: [{ path: HOSTILE, views: 1 }],
        categories: [{ category: HOSTILE, views: 1 }],
        devices: { total: 1, byType: { [HOSTILE]: 1 } },
        visitorsLatest: [{ time: HOSTILE, anonymousId: HOSTILE, ip: HOSTILE, country: HOSTILE }],
        events: [{ id: HOSTILE, type: HOSTILE, time: HOSTILE, source: HOSTILE, subject: HOSTILE, path: HOSTILE }],
      }),
    );
    const { page, figure, text, problems } = await open(url);
    await expect.poll(() => figure('visitors-total'), patience).toBe('1,234');
    expect(await text('#pages .bar-label')).toBe(HOSTILE);
    expect(await text('#events td.col-page')).toBe(HOSTILE);
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.evaluate(() => 'hacked' in window)).toBe(false);
    expect(problems).toEqual([]);
  });
});

describe('on a phone', () => {
  it.each([
    ['full', busy],
    ['empty', noFigures],
  ])('the %s page is no wider than the screen', async (_, figures) => {
    const { url } = await serve(
      createMemoryLiveSource({ ...figures, pages: [{ path: `/${'long'.repeat(100)}`, views: 1_000_000_000 }] }),
    );
    const { page, figure } = await open(url, { width: 360, height: 800 });
    await expect.poll(() => figure('visitors-total'), patience).not.toBe('–');
    const widths = await page.evaluate(() => [document.documentElement.scrollWidth, document.body.scrollWidth]);
    expect(Math.max(...widths)).toBeLessThanOrEqual(360);
  });
});

describe('behind a token', () => {
  it('the page asks for it, remembers it, and shows the figures', async () => {
    const { url } = await serve(createMemoryLiveSource(busy), { token: TOKEN });
    const { page, figure, state, text } = await open(url);
    await page.locator('#login').waitFor();
    expect(await state()).toBe('Locked');
    await page.locator('#token').fill('wrong');
    await page.keyboard.press('Enter');
    await expect.poll(() => text('#login-error'), patience).toBe('That is not the token.');
    await page.locator('#token').fill(TOKEN);
    await page.keyboard.press('Enter');
    await expect.poll(() => figure('visitors-total'), patience).toBe('1,234');
    await page.reload();
    await expect.poll(() => figure('visitors-total'), patience).toBe('1,234');
    expect(await page.locator('#login').isVisible()).toBe(false);
  });
});

describe('for everybody', () => {
  it('the page has landmarks, named regions and tables, and works from the keyboard', async () => {
    const { url } = await serve(createMemoryLiveSource(busy));
    const { page, figure } = await open(url);
    await expect.poll(() => figure('visitors-total'), patience).toBe('1,234');
    for (const role of ['banner', 'main'] as const) expect(await page.getByRole(role).count()).toBe(1);
    expect(await page.locator('table:not(:has(caption))').count()).toBe(0);
    expect(await page.locator('section:not([aria-label]):not([aria-labelledby])').count()).toBe(0);
    expect(await page.locator('[aria-live]').allTextContents()).toEqual(['1,234 visitors in the last 15 minutes']);
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the figures');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('pause');
    await page.keyboard.press('Enter');
    expect(await page.locator('[data-testid="state"]').textContent()).toBe('Paused');
  });

  it.each(['light', 'dark'] as const)('text has enough contrast in the %s scheme', async (colorScheme) => {
    const { url } = await serve(createMemoryLiveSource(busy));
    const { page, figure } = await open(url);
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await expect.poll(() => figure('visitors-total'), patience).toBe('1,234');
    expect(await page.evaluate(poorContrasts)).toEqual([]);
  });
});

/** Where each panel and figure is, in pixels. Runs in the browser. */
function placesOfPanels(): string[] {
  return [...document.querySelectorAll('section, .figure, .number, .state')].map((element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    return `${element.className} ${x} ${y} ${width} ${height}`;
  });
}

/** Texts on the page whose contrast is under 4.5 to 1 (WCAG 2.2, 1.4.3). Runs in the browser. */
function poorContrasts(): string[] {
  const channels = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = ([r = 0, g = 0, b = 0]: number[]) => {
    const linear = (value: number) =>
      value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  };
  const groundOf = (element: Element | null): number[] => {
    for (let at = element; at; at = at.parentElement) {
      // A label of a bar stands on the bar.
      const fill = at.classList.contains('bar') ? at.querySelector('.bar-fill') : null;
      const colour = channels(getComputedStyle(fill ?? at).backgroundColor);
      if (colour.length && colour[3] !== 0) return colour;
    }
    return [255, 255, 255];
  };
  const poor = new Set<string>();
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim());
    if (!own || !(element as HTMLElement).checkVisibility?.({ visibilityProperty: true })) continue;
    const [a, b] = [luminance(channels(getComputedStyle(element).color)), luminance(groundOf(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.add(`${element.tagName}.${element.className}: ${ratio.toFixed(2)}`);
  }
  return [...poor];
}
