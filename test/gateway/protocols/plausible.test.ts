import { describe, expect, it } from 'vitest';
import { createReplay } from './replay.js';

const replay = createReplay('plausible');

describe('Plausible', () => {
  it('page views, engagement and goals of the script are events of the site whose domain is the key', async () => {
    const { answers, clicks } = await replay(['page view', 'engagement', 'purchase']);
    for (const answer of answers) expect(answer).toMatchObject({ status: 202, body: 'ok' });
    const url = 'https://shop.example/page/plausible';
    expect(clicks).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          type: 'page_view',
          data: expect.objectContaining({ page: { url, path: '/page/plausible' } }),
        }),
        expect.objectContaining({
          type: 'user_engagement',
          data: expect.objectContaining({
            properties: expect.objectContaining({ engagement_time_msec: 6516, scroll_depth: 100 }),
          }),
        }),
        expect.objectContaining({
          type: 'Purchase',
          data: expect.objectContaining({
            properties: expect.objectContaining({ a: '1', value: 20.5, currency: 'EUR' }),
          }),
        }),
      ]),
    );
  });

  it('a goal called Purchase is an order where it has the number of one', async () => {
    const { answers, orders } = await replay(['purchase with a number']);
    expect(answers[0]?.status).toBe(202);
    const properties = { transaction_id: 'T-7', value: 20.5, currency: 'EUR', event_name: 'Purchase' };
    expect(orders).toMatchObject([{ type: 'purchase', data: { properties } }]);
  });

  it('takes the long names and properties as text, and says what a click has hit', async () => {
    const { answers, clicks } = await replay(['long names, properties as text']);
    expect(answers[0]?.status).toBe(202);
    expect(clicks).toMatchObject([
      {
        type: 'click',
        data: {
          page: { url: 'https://shop.example/a', referrer: 'https://x.example/' },
          properties: { link_url: 'https://other.example/', event_name: 'Outbound Link: Click' },
          context: { ip: '203.0.113.0', device: 'desktop' },
        },
      },
    ]);
  });

  it('says what was wrong with an event instead of dropping it in silence', async () => {
    const { answers } = await replay(['no event']);
    expect(answers[0]).toMatchObject({ status: 400, body: 'required /type', headers: { 'x-plausible-dropped': '1' } });
  });

  it('reads the campaign in the address, and throws nothing away', async () => {
    const { clicks } = await replay(['landing page']);
    expect(clicks[0]?.data.context.campaign).toEqual({ source: 'mail' });
    expect(clicks[0]?.data.properties).toMatchObject({ v: 36, h: 1 });
  });
});
