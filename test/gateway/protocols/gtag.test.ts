import { describe, expect, it } from 'vitest';
import { WRITE_KEY } from '../rig.js';
import { createReplay } from './replay.js';

const replay = createReplay('gtag');

describe("Google's tag", () => {
  it('a page view has visitor, session, page, campaign and language where they belong', async () => {
    const { answers, clicks } = await replay(['page view of @minimal-analytics/ga4']);
    expect(answers).toMatchObject([{ status: 200, headers: { 'content-type': 'image/gif' } }]);
    expect(clicks).toMatchObject([
      {
        type: 'page_view',
        data: {
          anonymousId: '5395692407561268',
          sessionId: '4239439341863707',
          page: { path: '/shoes', title: 'Shop' },
          context: { locale: 'de-de', campaign: { source: 'mail', name: 'spring' } },
          properties: { sr: '1280x720', _fv: '1' },
        },
      },
    ]);
    expect(JSON.stringify(clicks[0]?.data.properties)).not.toContain(WRITE_KEY);
  });

  it('an order has its number, value, currency and items, and the user is known', async () => {
    const { orders } = await replay(['order of ga4mp']);
    expect(orders).toMatchObject([
      {
        type: 'purchase',
        subject: 'user-1',
        data: {
          anonymousId: '1404375677.1795765214',
          properties: {
            transaction_id: 'G-1',
            value: 25.5,
            currency: 'EUR',
            items: [
              {
                item_id: 'p1',
                item_name: 'Boots',
                item_brand: 'B',
                item_category: 'shoes',
                price: 12.75,
                quantity: 2,
              },
            ],
            user_properties: { tier: 'gold' },
          },
        },
      },
    ]);
  });

  it('of several events in a body each is one, with what the query says of all unless it says otherwise', async () => {
    const { answers, clicks } = await replay(['several events in a body']);
    expect(answers[0]?.json()).toEqual({ status: 'ok' });
    expect(clicks).toMatchObject([
      {
        type: 'view_item',
        data: {
          page: { url: 'https://shop.example/p', referrer: 'https://x.example/' },
          properties: { value: 9.5, currency: 'EUR', items: [{ item_id: 'p1', size: '42', index: 1, price: 9.5 }] },
        },
      },
      {
        type: 'scroll',
        data: {
          anonymousId: '111.222',
          page: { path: '/q' },
          properties: { percent_scrolled: 90, engagement_time_msec: 1200 },
        },
      },
    ]);
  });

  it('what its consent mode says is consent by purpose', async () => {
    const privacy = { consent: { purposes: ['ad_storage'], denied: 'drop' as const } };
    const gateway = { sources: [{ name: 'shop', writeKey: WRITE_KEY, privacy }] };
    const denied = await replay(['by GET'], { gateway });
    expect(denied.clicks).toEqual([]);
    const analytics = { consent: { purposes: ['analytics_storage'], denied: 'drop' as const } };
    const agreed = await replay(['by GET'], {
      gateway: { sources: [{ name: 'shop', writeKey: WRITE_KEY, privacy: analytics }] },
    });
    expect(agreed.clicks).toMatchObject([
      { id: 'e-1', data: { context: { campaign: { source: 'news', medium: 'mail' } } } },
    ]);
  });

  it('a page may read the answer though it sends cookies, and what is refused is said', async () => {
    const { answers } = await replay(['by GET', 'order without a number']);
    expect(answers[0]?.headers).toMatchObject({ 'access-control-allow-credentials': 'true' });
    expect(answers[1]).toMatchObject({ status: 400 });
    expect(answers[1]?.json()).toMatchObject({ rejected: [{ reason: 'required' }] });
  });
});
