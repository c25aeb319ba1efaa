import { describe, expect, it } from 'vitest';
import { createReplay } from './replay.js';

const replay = createReplay('amplitude');

describe('Amplitude', () => {
  it('events of the Node SDK keep id, user, device and time, and are answered with code 200', async () => {
    const { answers, clicks } = await replay(['analytics-node']);
    expect(answers[0]?.json()).toMatchObject({ code: 200, events_ingested: 4 });
    expect(clicks.map(({ id, type }) => [id, type])).toEqual(
      expect.arrayContaining([
        ['i1', 'page_viewed'],
        ['b8d2443d-3d28-4036-ac61-34ba046042f4', 'identify'],
        ['ec64ad0a-0a20-41de-82b2-23209c2c315f', 'revenue_amount'],
        ['dd9bad3c-2bc7-4a2d-a53c-a73005bb8620', 'group'],
      ]),
    );
    expect(clicks.find(({ id }) => id === 'i1')?.data).toMatchObject({
      anonymousId: 'd1',
      userId: 'u1',
      occurredAt: '2025-11-21T12:00:00.000Z',
      sentAt: '2026-11-23T03:04:59.445Z',
      properties: { a: 1, platform: 'Web', event_name: 'Page Viewed' },
      context: { ip: '1.2.3.0', locale: 'de' },
    });
  });

  it('a batch of the browser library: page, session, client; a country by name is a property', async () => {
    const { answers, clicks } = await replay(['web batch']);
    expect(answers[0]?.json()).toMatchObject({ code: 200, events_ingested: 2 });
    expect(clicks.find(({ id }) => id === 'w1')).toMatchObject({
      type: 'page_view',
      time: '2026-11-21T11:59:58.000Z',
      data: {
        anonymousId: 'd1',
        sessionId: '1795403000000',
        page: { url: 'https://shop.example/a', path: '/a', title: 'A', referrer: 'https://x.example/' },
        context: { device: 'mobile', locale: 'de-DE' },
      },
    });
    const placed = clicks.find(({ id }) => id === 'w2');
    expect(placed).toMatchObject({ type: 'order_placed', data: { properties: { country: 'Germany' } } });
    expect(placed?.data).not.toHaveProperty('sessionId');
  });

  it('one event need not be in an array', async () => {
    const { orders } = await replay(['one event, not in an array']);
    expect(orders).toMatchObject([{ type: 'purchase', id: 'p1', data: { properties: { transaction_id: 'T-4' } } }]);
  });

  it('when nothing is sound the SDK learns which events to give up, by its names of their fields', async () => {
    const { answers } = await replay(['nothing sound']);
    expect(answers[0]?.status).toBe(400);
    expect(answers[0]?.json()).toMatchObject({
      code: 400,
      events_with_invalid_fields: {},
      events_with_missing_fields: { 'event_properties/transaction_id': [0], event_type: [1] },
      error: expect.stringContaining('p1: required /properties/transaction_id'),
    });
  });

  it('is told in the body when to send again, since it does not look at the status', async () => {
    const { answers } = await replay(['analytics-node', 'web batch'], { down: true });
    for (const answer of answers) {
      expect([answer.status, answer.json()]).toMatchObject([503, { code: 503, throttled_events: [] }]);
    }
  });

  it('has all of a campaign', async () => {
    const { clicks } = await replay(['campaign']);
    expect(clicks[0]?.data.context.campaign).toEqual({ source: 'mail', term: 'red', content: 'top' });
  });

  it('the page of the browser library is the whole of its address, also in the beacon of a page that goes away', async () => {
    const { answers, clicks } = await replay(['browser page view', 'browser beacon']);
    expect(answers.map((answer) => answer.json())).toMatchObject([{ code: 200 }, { code: 200 }]);
    const url = 'http://localhost:40503/shoes?utm_source=mail&utm_campaign=spring';
    expect(clicks).toMatchObject([
      {
        type: 'page_view',
        data: { page: { url, path: '/shoes', title: 'Shop' }, context: { campaign: { source: 'mail' } } },
      },
      { type: 'Leaving', id: '1120520f-3c82-40ae-a9d9-0e8323c7b175', data: { page: { url } } },
    ]);
  });

  it('amplitude-js, the library before, sends forms', async () => {
    const { answers, clicks, orders } = await replay(['amplitude-js', 'amplitude-js order']);
    expect(answers.map((answer) => answer.json())).toMatchObject(Array(2).fill({ code: 200, events_ingested: 1 }));
    const who = { anonymousId: 'BlE2Bh9oqNMGC-N8k2IA4y', userId: 'user-1', sessionId: '1795764734604' };
    expect(clicks).toMatchObject([
      {
        type: 'play_song',
        id: '26b9f4dc-6a55-456e-9fc9-fc09e10035e3',
        // By its clock 2 ms before it sent.
        time: '2026-11-21T11:59:59.998Z',
        data: { ...who, context: { device: 'desktop', locale: 'de-DE' }, properties: { genre: 'ü', platform: 'Web' } },
      },
    ]);
    expect(orders).toMatchObject([{ type: 'purchase', data: { ...who, properties: { transaction_id: 'L-1' } } }]);
    expect(JSON.stringify([clicks, orders])).not.toContain('a-write-key');
  });

  it('JSON is read as such under whatever content type', async () => {
    const { answers, clicks } = await replay(['JSON that is called a form', 'nothing sound, called a form']);
    expect(answers.map(({ status }) => status)).toEqual([200, 400]);
    expect(clicks).toMatchObject([{ id: 'f1', type: 'x' }]);
  });

  it('what is refused does not hold up all that amplitude-js has to send after it', async () => {
    const { answers, orders } = await replay(['amplitude-js order without a number']);
    expect(answers[0]?.status).toBe(200);
    expect(answers[0]?.json()).toMatchObject({ events_ingested: 0, rejected: [{ reason: 'required' }] });
    expect(orders).toEqual([]);
  });
});
