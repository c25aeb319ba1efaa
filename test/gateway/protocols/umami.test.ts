import { describe, expect, it } from 'vitest';
import { createReplay } from './replay.js';

const replay = createReplay('umami');

describe('Umami', () => {
  it('page views and events of the Node SDK', async () => {
    const { answers, clicks } = await replay(['page view', 'event', 'identify']);
    for (const answer of answers) expect(answer).toMatchObject({ status: 200, body: '{"ok":true}' });
    expect(clicks.map(({ type, data }) => ({ type, ...data }))).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          type: 'page_view',
          userId: 'u9',
          page: { url: '/home', path: '/home', title: 'H', referrer: 'https://x' },
          properties: { hostname: 'shop.example', screen: '1x1' },
          context: expect.objectContaining({ locale: 'de' }),
        }),
        expect.objectContaining({ type: 'signup', properties: { plan: 'x' } }),
        expect.objectContaining({ type: 'identify', properties: { email: 'q' } }),
      ]),
    );
  });

  it('a batch has events with times and clients of their own', async () => {
    const { answers, clicks, orders } = await replay(['batch']);
    expect(answers[0]?.status).toBe(200);
    expect(clicks).toMatchObject(
      [
        { time: '2026-11-21T11:59:59.000Z', data: { context: { ip: '203.0.113.0', device: 'desktop' } } },
        { type: 'sign_up', data: { properties: { event_name: 'Sign Up' } } },
      ].slice(0, clicks.length),
    );
    expect(clicks.length + orders.length).toBe(2);
  });

  it('reads the campaign in the address, and keeps a kind of device that it does not know', async () => {
    const { clicks } = await replay(['landing page, a laptop']);
    expect(clicks).toMatchObject([
      {
        data: {
          page: { path: '/sale' },
          context: { campaign: { source: 'mail', name: 'spring' } },
          properties: { hostname: 'shop.example', device: 'laptop' },
        },
      },
    ]);
  });

  it('an order of the browser script has its number, value and items', async () => {
    const { answers, orders } = await replay(['browser order']);
    expect(answers.map((answer) => answer.json())).toEqual([{ ok: true }]);
    expect(orders).toMatchObject([
      {
        type: 'purchase',
        data: {
          page: { path: '/thanks' },
          properties: {
            transaction_id: 'U-1',
            value: 0.3,
            currency: 'EUR',
            tax: 5.7,
            shipping: 4,
            items: [
              { item_id: 'p1', item_name: 'Boots', item_category: 'shoes', price: 0.1, quantity: 1 },
              { item_id: 'p2' },
            ],
            commerce: { orderId: 'U-1' },
          },
        },
      },
    ]);
  });

  it('what the script of version 2 has encoded once more is what the page has', async () => {
    const { clicks } = await replay(['browser script of version 2']);
    expect(clicks).toMatchObject([
      {
        data: {
          page: {
            url: '/a%20b/%C3%BC?utm_source=mail&utm_campaign=fr%C3%BChling',
            path: '/a%20b/%C3%BC',
            title: 'Schuhe & Mützen',
            referrer: 'https://shop.example/caf%C3%A9',
          },
          context: { campaign: { source: 'mail', name: 'frühling' } },
        },
      },
    ]);
  });

  it('what later scripts send as it is stays so', async () => {
    const { clicks } = await replay(['browser script of today, addresses with percent signs']);
    expect(clicks).toMatchObject([{ data: { page: { path: '/50%2525', title: '100%25 wool' } } }]);
  });
});
