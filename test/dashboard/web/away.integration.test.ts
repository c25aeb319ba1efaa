import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { createMemoryLiveSource } from '../../helpers/live-source.js';
import { busy, createPageRig, patience } from './rig.js';

const { serve, open } = createPageRig();

/** Tells the page that it is hidden, as a browser does when another tab is in front. */
const setHidden = (page: Page, hidden: boolean) =>
  page.evaluate((value) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);

describe('a page that nobody can see', () => {
  it('gives its connection back, and shows the present when it is seen again', async () => {
    const source = createMemoryLiveSource(busy);
    const { url } = await serve(source);
    const { page, figure, state, problems } = await open(url);
    await expect.poll(() => figure('visitors-total'), patience).toBe('1,234');
    expect(source.listeners).toBe(1);
    await setHidden(page, true);
    await expect.poll(() => source.listeners, patience).toBe(0);
    expect(await page.title()).toBe('Penstock');
    expect(await state()).toBe('Live');
    source.push({ visitors: { ...busy.visitors, total: 77 } });
    await setHidden(page, false);
    await expect.poll(() => figure('visitors-total'), patience).toBe('77');
    expect(await state()).toBe('Live');
    expect(await page.title()).toBe('77 visitors · Penstock');
    expect(problems.filter((problem) => !problem.includes('/api/'))).toEqual([]);
  });

  it('does not connect before it is seen, so that a browser can open any number of them', async () => {
    const source = createMemoryLiveSource(busy);
    const { url } = await serve(source);
    const { page, figure } = await open(url, undefined, () => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => true });
    });
    await page.locator('#range input').first().waitFor({ state: 'attached' });
    expect(await figure('visitors-total')).toBe('–');
    expect(source.listeners).toBe(0);
    await setHidden(page, false);
    await expect.poll(() => figure('visitors-total'), patience).toBe('1,234');
  });

  it('connects at once when the network is back, however long the next try was to wait', async () => {
    const source = createMemoryLiveSource(busy);
    const first = await serve(source);
    // Every other timer of the page is for a later day.
    const { page, figure, state } = await open(first.url, undefined, () => {
      const { setTimeout: real } = window;
      Object.assign(window, { setTimeout: (run: () => void, ms: number) => real(run, ms * 1_000) });
    });
    await expect.poll(() => figure('visitors-total'), patience).toBe('1,234');
    await first.stop();
    await expect.poll(state, patience).toBe('Reconnecting');
    source.push({ visitors: { ...busy.visitors, total: 6 } });
    await serve(source, { port: Number(new URL(first.url).port) });
    await page.evaluate(() => dispatchEvent(new Event('online')));
    await expect.poll(() => figure('visitors-total'), patience).toBe('6');
  });
});
