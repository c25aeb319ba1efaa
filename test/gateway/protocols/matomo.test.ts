import { describe, expect, it } from 'vitest';
import { createReplay } from './replay.js';

const replay = createReplay('matomo');

describe('Matomo', () => {
  it('a page view is answered with a picture', async () => {
    const { answers, clicks } = await replay(['page view']);
    expect(answers[0]).toMatchObject({ status: 200, headers: { 'content-type': 'image/gif' } });
    expect(clicks).toMatchObject([
      {
        type: 'page_view',
        data: {
          anonymousId: '0123456789abcdef',
          page: { url: 'https://shop.example/a?x=1', path: '/a', title: 'Shoes "red"', referrer: 'https://x.example/' },
          properties: { pv_id: 'Ab12cD', res: '1280x720' },
          context: { device: 'desktop', locale: 'de', campaign: { name: 'spring', term: 'red' } },
        },
      },
    ]);
    expect(clicks[0]?.data.properties).not.toHaveProperty('idsite');
  });

  it("events and product views get Google Analytics 4's names beside Matomo's", async () => {
    const { answers, clicks } = await replay(['beacon with an event', 'product view']);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(clicks).toMatchObject([
      {
        type: 'play_started',
        data: {
          userId: 'user-1',
          properties: { event_category: 'Video', event_label: 'Intro', value: 2.5, event_name: 'Play Started' },
        },
      },
      {
        type: 'view_item',
        data: {
          properties: { items: [{ item_id: 's1', item_name: 'Boots', item_category: 'shoes', price: 29.9 }] },
        },
      },
    ]);
  });

  it('a product is of the first of its categories', async () => {
    const { clicks } = await replay(['product view in several categories']);
    expect(clicks).toMatchObject([{ data: { properties: { items: [{ item_category: 'shoes' }] } } }]);
  });

  it('an order is a purchase, in the currency that the address of the tracker names', async () => {
    const { orders } = await replay(['order']);
    expect(orders).toMatchObject([
      {
        type: 'purchase',
        data: {
          properties: {
            transaction_id: 'T-8',
            value: 29.9,
            currency: 'EUR',
            tax: 4.9,
            items: [{ item_id: 's1', item_name: 'Boots', item_category: 'shoes', price: 29.9, quantity: 1 }],
          },
        },
      },
    ]);
    const { answers } = await replay(['order without a currency']);
    expect(answers[0]).toMatchObject({ status: 400, body: 'required /properties/currency' });
  });

  it('many hits at once are counted, and keep times, visitors and clients of their own', async () => {
    const { answers, clicks } = await replay(['bulk']);
    expect(answers[0]?.json()).toMatchObject({ status: 'success', tracked: 5, invalid: 1, invalid_indices: [5] });
    const types = clicks.map(({ type }) => type).sort();
    expect(types).toEqual(['click', 'file_download', 'page_view', 'search', 'user_engagement']);
    expect(clicks.find(({ type }) => type === 'page_view')).toMatchObject({
      time: '2026-11-21T11:58:00.000Z',
      data: { context: { ip: '203.0.113.0' } },
    });
    expect(clicks.find(({ type }) => type === 'click')).toMatchObject({
      time: '2026-11-21T11:59:59.000Z',
      data: { anonymousId: 'fedcba9876543210', properties: { link_url: 'https://other.example/' } },
    });
    expect(JSON.stringify(clicks)).not.toContain('33dc3f2536d3025974cccb4b4d2d98f4');
  });

  it('a hit that waited offline, and one of the past, have the time at which they happened', async () => {
    const { answers, clicks } = await replay(['offline queue', 'times']);
    expect(answers[1]?.json()).toMatchObject({ tracked: 4, invalid_indices: [3, 5] });
    expect(clicks.map(({ time, data }) => [data.page?.path, time]).sort()).toEqual([
      ['/a', '2026-11-21T11:57:00.000Z'],
      ['/b', '2026-11-21T11:59:30.000Z'],
      ['/c', '2026-11-21T12:00:00.000Z'],
      ['/e', '2026-11-21T12:00:00.000Z'],
      ['/offline', '2026-11-21T11:58:30.000Z'],
    ]);
    expect(clicks[0]?.data.properties).not.toHaveProperty('cdo');
  });

  it('reads the campaign in the address by all names that it may have', async () => {
    const { clicks } = await replay(['campaigns']);
    const campaigns = clicks.map(({ data }) => [data.page?.path, data.context.campaign]);
    expect(campaigns).toEqual([
      ['/a', { source: 'mail', name: 'spring', term: 'red' }],
      ['/b', { name: 'winter' }],
      ['/c', { medium: 'cpc', name: 'utm' }],
    ]);
  });

  it('beacons of the browser library: a hit in the query without a body, and many as JSON in what is called a form', async () => {
    const { answers, clicks } = await replay(['page view as a beacon', 'bulk as a beacon']);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(clicks.map(({ type, data }) => [type, data.page?.path])).toEqual([
      ['page_view', '/shoes'],
      ['page_view', '/a'],
      ['user_engagement', '/a'],
    ]);
  });
});
