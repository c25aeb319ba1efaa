import type { AnalyticsBrowser } from '@segment/analytics-next';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../helpers/wait.js';
import { type BrowserSite, openBrowserSite } from './browser-site.js';
import { only, type SdkStack, startSdkStack, WRITE_KEY } from './stack.js';

declare const window: { AnalyticsBrowser: typeof AnalyticsBrowser; analytics: AnalyticsBrowser };

describe('@segment/analytics-next in a browser', () => {
  let stack: SdkStack;
  let site: BrowserSite;
  beforeAll(async () => {
    stack = await startSdkStack();
    site = await openBrowserSite(
      "import { AnalyticsBrowser } from '@segment/analytics-next'; Object.assign(window, { AnalyticsBrowser });",
    );
  });
  afterAll(async () => {
    await site.close();
    await stack.stop();
  });

  /** As a site does: its settings, and with them where events go, come from the gateway. */
  const load = (page: Page, integrations: Record<string, Record<string, unknown>> = {}) =>
    page.evaluate(
      async ([writeKey, cdnURL, integrations]) => {
        const [analytics] = [window.AnalyticsBrowser.load({ writeKey, cdnURL }, { integrations })];
        window.analytics = analytics;
        await analytics.ready();
      },
      [WRITE_KEY, stack.url, integrations] as const,
    );
  const sent = (path: string) => stack.answers.filter(({ url }) => url === path).map(({ status }) => status);

  it('each call goes to its own short path and arrives once, with the id that the library gave it', async () => {
    const page = await site.visit('/shoes?utm_source=mail&utm_campaign=spring');
    await load(page);
    const ids = await page.evaluate(async () => {
      const { analytics } = window;
      const contexts = [
        await analytics.identify('user-1', { plan: 'pro' }),
        await analytics.page('Shop', 'Shoes'),
        await analytics.track('Product Added', { product_id: 'p1', name: 'Boots', price: '12.50', currency: 'EUR' }),
        await analytics.track('Order Completed', { order_id: 'T-9', revenue: 12.5, currency: 'EUR' }),
        await analytics.group('g1'),
        await analytics.screen('Cart'),
        await analytics.alias('user-2', 'user-1'),
      ];
      return contexts.map(({ event }) => event.messageId ?? '');
    });
    const events = await stack.events(7);
    expect(events).toHaveLength(7);
    const types = ['identify', 'page_view', 'add_to_cart', 'purchase', 'group', 'screen_view', 'alias'];
    expect(ids.map((id) => only(events, id).type)).toEqual(types);
    expect(['/v1/i', '/v1/p', '/v1/t', '/v1/g', '/v1/s', '/v1/a'].flatMap(sent)).toEqual(Array(7).fill(200));

    const [, view, added] = ids.map((id) => only(events, id));
    expect(view).toMatchObject({
      source: 'shop',
      subject: 'user-1',
      data: {
        userId: 'user-1',
        page: { url: `${site.url}/shoes?utm_source=mail&utm_campaign=spring`, path: '/shoes', title: 'Shop' },
        properties: { category: 'Shop', name: 'Shoes' },
        context: { device: 'desktop', locale: 'de-DE', campaign: { source: 'mail', name: 'spring' } },
      },
    });
    expect(added?.data.properties).toMatchObject({ items: [{ item_id: 'p1', item_name: 'Boots', price: 12.5 }] });
    expect(new Set(events.slice(0, 6).map(({ data }) => data.anonymousId)).size).toBe(1);
    expect(view?.data.anonymousId).toMatch(/^[0-9a-f-]{36}$/);
    await page.close();
  });

  it('on 429 it waits as long as it was told, and the call arrives once', async () => {
    const page = await site.visit();
    await load(page);
    let id = '';
    const from = stack.answers.length;
    await stack.overload(1, async () => {
      id = await page.evaluate(async () => (await window.analytics.track('Busy')).event.messageId ?? '');
    });
    await waitFor('the retry', () => stack.answers.slice(from).some(({ status }) => status === 200));
    expect(stack.answers.slice(from)).toEqual([
      { url: '/v1/t', status: 429 },
      { url: '/v1/t', status: 200 },
    ]);
    expect(only(await stack.events(8), id).type).toBe('Busy');
    await page.close();
  });

  it('what is still in its batch when the page goes away arrives', async () => {
    const page = await site.visit();
    await load(page, {
      'Segment.io': { deliveryStrategy: { strategy: 'batching', config: { size: 100, timeout: 600_000 } } },
    });
    const ids = await page.evaluate(async () => {
      const contexts = [await window.analytics.track('First'), await window.analytics.track('Second')];
      return contexts.map(({ event }) => event.messageId ?? '');
    });
    await page.goto('about:blank');
    const events = await stack.events(10);
    expect(ids.map((id) => only(events, id).type)).toEqual(['First', 'Second']);
    expect(sent('/v1/b')).toEqual([200]);
    await page.close();
  });
});
