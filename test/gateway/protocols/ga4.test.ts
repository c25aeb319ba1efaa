import { describe, expect, it } from 'vitest';
import { createReplay } from './replay.js';

const replay = createReplay('ga4');

describe("GA4's Measurement Protocol", () => {
  it('its events are native ones, with what is said once for all of them', async () => {
    const { answers, clicks, orders } = await replay(['collect']);
    expect(answers).toMatchObject([{ status: 200, body: '{"status":"ok"}' }]);
    const data = {
      anonymousId: 'c.1',
      userId: 'u1',
      context: { ip: '203.0.113.0', country: 'DE', device: 'mobile', locale: 'de' },
      properties: { measurement_id: 'G-1', user_properties: { tier: { value: 'gold' } } },
    };
    expect(clicks).toMatchObject([
      {
        type: 'page_view',
        time: '2026-11-21T11:59:59.500Z',
        data: { ...data, sessionId: '77', page: { url: 'https://shop.example/a?x=1', path: '/a', title: 'A' } },
      },
    ]);
    expect(orders).toMatchObject([
      {
        type: 'purchase',
        time: '2026-11-21T11:59:58.000Z',
        data: { ...data, properties: { transaction_id: 'T-5', items: [{ item_category: 'shoes' }] } },
      },
    ]);
    expect(JSON.stringify([clicks, orders])).not.toContain('203.0.113.77');
  });

  it('reads the campaign in the address of the page, beside what the request says of the client', async () => {
    const { clicks } = await replay(['landing page']);
    const context = { ip: '203.0.113.0', campaign: { source: 'mail', name: 'spring' } };
    expect(clicks).toMatchObject([{ type: 'page_view', data: { context } }]);
  });

  it('an app is a visitor too', async () => {
    const { clicks } = await replay(['firebase']);
    expect(clicks).toMatchObject([
      { type: 'tutorial_begin', data: { anonymousId: 'app-1', properties: { firebase_app_id: '1:2:android:3' } } },
    ]);
  });

  it('debug finds no fault in what is sound, and sends nothing', async () => {
    const { answers, clicks, orders } = await replay(['debug']);
    expect(answers).toMatchObject([{ status: 200, body: '{"validationMessages":[]}' }]);
    expect([clicks, orders]).toEqual([[], []]);
  });

  it("debug names each fault in the protocol's own words", async () => {
    const { answers, clicks } = await replay(['debug with faults']);
    expect(answers[0]?.json()).toEqual({
      validationMessages: [
        {
          fieldPath: 'events[0].params.transaction_id',
          description: 'events[0].params.transaction_id: required',
          validationCode: 'VALUE_REQUIRED',
        },
        { fieldPath: 'events[1].name', description: 'events[1].name: required', validationCode: 'VALUE_REQUIRED' },
        {
          fieldPath: 'events[2].timestamp_micros',
          description: 'events[2].timestamp_micros: invalid_format',
          validationCode: 'VALUE_INVALID',
        },
        { fieldPath: 'events[3]', description: 'events[3]: not_an_object', validationCode: 'VALUE_INVALID' },
      ],
    });
    expect(clicks).toEqual([]);
  });

  it('without a secret nothing is taken', async () => {
    const { answers, clicks } = await replay(['without a secret']);
    expect(answers[0]?.status).toBe(401);
    expect(clicks).toEqual([]);
  });
});
