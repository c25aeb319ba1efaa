import type * as Snowplow from '@snowplow/browser-tracker';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../helpers/wait.js';
import { type BrowserSite, openBrowserSite } from './browser-site.js';
import { only, type SdkStack, startSdkStack, WRITE_KEY } from './stack.js';

declare const window: { snowplow: typeof Snowplow; ids: string[] };

describe('@snowplow/browser-tracker in a browser', () => {
  let stack: SdkStack;
  let site: BrowserSite;
  beforeAll(async () => {
    stack = await startSdkStack();
    site = await openBrowserSite(
      "import * as snowplow from '@snowplow/browser-tracker'; Object.assign(window, { snowplow, ids: [] });",
    );
  });
  afterAll(async () => {
    await site.close();
    await stack.stop();
  });

  /** A tracker on this page; `ids` of the page are those of the events that it sent with success. */
  const open = async (options: Record<string, unknown> = {}) => {
    const page = await site.visit('/shoes?utm_source=mail');
    await page.evaluate(
      ([url, appId, options]) => {
        window.snowplow.newTracker('sp', url, {
          appId,
          onRequestSuccess: (events) => window.ids.push(...events.map(({ eid }) => String(eid))),
          ...options,
        });
      },
      [stack.url, WRITE_KEY, options] as const,
    );
    return page;
  };
  const delivered = (page: Page, count: number) =>
    waitFor('the tracker to report success', async () => {
      const ids = await page.evaluate(() => window.ids);
      return ids.length === count && ids;
    });

  it('each event arrives once, with its id, page, visitor, session and properties, and it reports success', async () => {
    const page = await open();
    await page.evaluate(() => {
      window.snowplow.setUserId('user-1');
      window.snowplow.trackPageView();
      window.snowplow.trackStructEvent({ category: 'media', action: 'play', value: 2 });
      window.snowplow.trackSelfDescribingEvent({
        event: { schema: 'iglu:com.acme/plan_viewed/jsonschema/1-0-0', data: { plan: 'ü' } },
      });
    });
    const ids = await delivered(page, 3);
    const events = await stack.events(3);
    expect(events).toHaveLength(3);
    expect(ids.map((id) => only(events, id).type)).toEqual(['page_view', 'play', 'plan_viewed']);
    for (const event of events) {
      expect(event).toMatchObject({
        source: 'shop',
        subject: 'user-1',
        data: {
          page: { url: `${site.url}/shoes?utm_source=mail`, path: '/shoes' },
          context: { device: 'desktop', locale: 'de-DE', campaign: { source: 'mail' } },
        },
      });
      expect(event.data.anonymousId).toMatch(/^[0-9a-f-]{36}$/);
      expect(event.data.sessionId).toMatch(/^[0-9a-f-]{36}$/);
    }
    expect(new Set(events.map(({ data }) => data.anonymousId)).size).toBe(1);
    await page.close();
  });

  it('on 429 it keeps the event in the browser, and sends it once more', async () => {
    const before = (await stack.events(0)).length;
    const from = stack.answers.length;
    const page = await open();
    await stack.overload(1, () =>
      page.evaluate(() => window.snowplow.trackStructEvent({ category: 'c', action: 'busy' })),
    );
    const [id] = await waitFor('the retry', async () => {
      // What it could not send it sends with the next flush, when it has done with this one.
      const ids = await page.evaluate(() => {
        window.snowplow.flushBuffer();
        return window.ids;
      });
      return ids.length > 0 && ids;
    });
    const events = await stack.events(before + 1);
    expect(only(events, id ?? '').type).toBe('busy');
    expect(events).toHaveLength(before + 1);
    expect(stack.answers.slice(from).map(({ status }) => status)).toEqual([429, 200]);
    await page.close();
  });

  it('server-side anonymity, and requests by GET, pass the browser’s checks too', async () => {
    const before = (await stack.events(0)).length;
    const anonymous = await open({ anonymousTracking: { withServerAnonymisation: true } });
    await anonymous.evaluate(() => window.snowplow.trackPageView());
    const byGet = await open({ eventMethod: 'get' });
    await byGet.evaluate(() => window.snowplow.trackPageView());
    const ids = [...(await delivered(anonymous, 1)), ...(await delivered(byGet, 1))];
    const events = await stack.events(before + 2);
    expect(events).toHaveLength(before + 2);
    const [hidden, seen] = ids.map((id) => only(events, id));
    expect(hidden?.data).toMatchObject({ context: { ip: '0.0.0.0' } });
    expect(hidden?.data.anonymousId).toBeUndefined();
    expect(seen?.data).toMatchObject({ context: { ip: '127.0.0.0' }, page: { path: '/shoes' } });
  });
});
