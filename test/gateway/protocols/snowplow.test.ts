import { describe, expect, it } from 'vitest';
import { createGatewayRig, WRITE_KEY } from '../rig.js';
import { readRecorded } from './recorded.js';
import { createReplay } from './replay.js';

const replay = createReplay('snowplow');
const TP2 = '/com.snowplowanalytics.snowplow/tp2';
const PAYLOAD = 'iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4';
const TENANT = { schema: 'iglu:com.acme/tenant/jsonschema/1-0-0', data: { tenant: 'north' } };

/** Posts a list of events; what came of them. */
async function send(data: unknown, headers: Record<string, string> = { 'x-write-key': WRITE_KEY }) {
  const rig = await createGatewayRig();
  const response = await rig.app.inject({
    method: 'POST',
    url: TP2,
    headers: { 'content-type': 'application/json', ...headers },
    payload: JSON.stringify({ schema: PAYLOAD, data }),
  });
  const orders = rig.brokers.state.messages.map(({ messageId, body }) => ({
    messageId,
    ...(JSON.parse(body) as object),
  }));
  return { status: response.statusCode, answer: response.json<object>(), clicks: rig.brokers.hubEvents(), orders };
}

describe('what @snowplow/node-tracker sends', () => {
  it('is one native event for each kind of event, with its visitor, session, time and entities', async () => {
    const { answers, clicks, orders } = await replay(['node post']);
    expect(answers.map(({ status, json }) => [status, json()])).toEqual([[200, { status: 'ok' }]]);
    const sent = new Map([...clicks, ...orders].map((event) => [event.type, event]));
    const who = {
      source: 'shop',
      subject: 'user-1',
      data: {
        anonymousId: 'visitor-1',
        userId: 'user-1',
        sessionId: 'session-1',
        context: { ip: '203.0.113.0', locale: 'de-DE' },
      },
    };
    for (const event of sent.values()) expect(event).toMatchObject(who);
    expect(sent.get('page_view')).toMatchObject({
      time: '2026-11-21T11:58:00.000Z',
      data: {
        page: { path: '/a', title: 'Home', referrer: 'https://search.example/' },
        properties: { p: 'srv', tv: 'node-4.8.0', tna: 'srv', contexts: [TENANT] },
        context: { campaign: { source: 'mail', name: 'spring' } },
      },
    });
    expect(sent.get('play_video')?.data.properties).toMatchObject({
      se_category: 'Media',
      se_action: 'Play Video',
      se_label: 'intro',
      se_property: 'hd',
      value: 13.99,
    });
    expect(sent.get('viewed_plan')?.data.properties).toMatchObject({
      schema: 'iglu:com.acme/Viewed Plan/jsonschema/1-0-0',
      plan: 'pro',
      ümlaut: '€',
      contexts: [TENANT],
    });
    expect(sent.get('page_ping')?.data.properties).toMatchObject({ pp_max: 1, pp_miy: 2, pp_may: 300 });
    expect(sent.get('purchase_item')?.data.properties).toMatchObject({
      transaction_id: 'T-1',
      currency: 'EUR',
      items: [{ item_id: 's1', item_name: 'Boots', item_category: 'shoes', price: 10, quantity: 2 }],
    });
    expect(orders.map(({ data }) => data.properties)).toMatchObject([
      {
        action: 'transaction',
        transaction_id: 'T-2',
        value: 25,
        currency: 'EUR',
        tax: 4,
        payment_type: 'card',
        items: [{ item_id: 'p1', item_name: 'Boots', item_category: 'shoes', price: 12.5, quantity: 2 }],
      },
      { transaction_id: 'T-1', value: 20, tax: 2, shipping: 3, affiliation: 'web', currency: 'EUR', tr_ci: 'Berlin' },
    ]);
    expect(sent.size).toBe(6);
    expect(JSON.stringify([...sent.values()])).not.toContain(WRITE_KEY);
  });

  it('is the same by GET, without base64', async () => {
    const { answers, clicks } = await replay(['node get']);
    expect(answers[0]?.headers['content-type']).toBe('image/gif');
    expect(clicks).toMatchObject([
      {
        id: '192a2919-bc2f-487c-8893-2cf71a3484c9',
        type: 'click',
        subject: 'user-1',
        data: { properties: { targetUrl: 'https://x.example/', event_name: 'link_click', contexts: [TENANT] } },
      },
    ]);
  });
});

describe('what @snowplow/browser-tracker sends', () => {
  it('has its page, visitor and session in the native fields, and may be sent with credentials', async () => {
    const { answers, clicks } = await replay(['browser page view']);
    expect(answers[0]?.headers).toMatchObject({
      'access-control-allow-origin': 'http://shop.example',
      'access-control-allow-credentials': 'true',
    });
    expect(clicks).toMatchObject([
      {
        type: 'page_view',
        // Three milliseconds before it was sent.
        time: '2026-11-21T11:59:59.997Z',
        data: {
          anonymousId: '4bb4e1be-e2cb-440f-a59f-1acef9e88bba',
          userId: 'user-1',
          sessionId: '6220f73f-6c22-4aaf-83a3-c4b46f2a055d',
          page: { url: 'http://shop.example/shoes?utm_source=mail', path: '/shoes', title: 'Shop' },
          context: { device: 'desktop', locale: 'de-DE', campaign: { source: 'mail' } },
          properties: { res: '1280x720', tz: 'UTC', vid: '1' },
        },
      },
    ]);
  });

  it('hides the address of who wants to be anonymous', async () => {
    const { clicks } = await replay(['browser anonymous']);
    expect(clicks).toMatchObject([{ type: 'add-to-basket', data: { context: { ip: '0.0.0.0' } } }]);
    expect(clicks[0]?.data.anonymousId).toBeUndefined();
  });
});

describe('Snowplow’s parameters', () => {
  const commerce = (type: string, entities: Record<string, object>) => ({
    e: 'ue',
    ue_pr: JSON.stringify({
      data: {
        schema: 'iglu:com.snowplowanalytics.snowplow.ecommerce/snowplow_ecommerce_action/jsonschema/1-0-2',
        data: { type, name: 'autumn' },
      },
    }),
    co: JSON.stringify({
      data: Object.entries(entities).map(([name, data]) => ({
        schema: `iglu:com.snowplowanalytics.snowplow.ecommerce/${name}/jsonschema/1-0-0`,
        data,
      })),
    }),
  });

  it('actions of the ecommerce plug-in are Google Analytics 4’s, with what their entities say', async () => {
    const { clicks, orders } = await send([
      commerce('product_view', { product: { id: 'p', price: '5', currency: 'EUR', size: 'L' } }),
      commerce('list_view', {}),
      commerce('add_to_cart', { cart: { total_value: 7, currency: 'EUR' } }),
      commerce('promo_click', { promotion: { id: 'x', name: 'sale' } }),
      commerce('trans_error', {}),
      commerce('refund', { refund: { transaction_id: 'T', refund_amount: 3, currency: 'EUR' } }),
    ]);
    expect(Object.fromEntries(clicks.map(({ type, data }) => [type, data.properties]))).toMatchObject({
      view_item: { items: [{ item_id: 'p', price: 5, size: 'L' }], currency: 'EUR' },
      view_item_list: { item_list_name: 'autumn' },
      add_to_cart: { value: 7, currency: 'EUR' },
      select_promotion: { promotion_id: 'x', promotion_name: 'sale' },
      trans_error: { action: 'trans_error' },
    });
    expect(orders).toMatchObject([{ messageId: 'refund:T', data: { properties: { value: 3, currency: 'EUR' } } }]);
  });

  it('a session entity and the network’s id are the visitor of who has no other', async () => {
    const session = {
      schema: 'iglu:com.snowplowanalytics.snowplow/client_session/jsonschema/1-0-2',
      data: { userId: 'device-1', sessionId: 's-1' },
    };
    const { clicks } = await send([
      { e: 'pv', eid: 'a', co: JSON.stringify({ data: [session, 5, { schema: 7 }] }) },
      { e: 'pv', eid: 'b', tnuid: 'n-1', co: JSON.stringify({ data: 5 }) },
    ]);
    const byId = Object.fromEntries(clicks.map(({ id, data }) => [id, data]));
    expect(byId).toMatchObject({ a: { anonymousId: 'device-1', sessionId: 's-1' }, b: { anonymousId: 'n-1' } });
  });

  it('one bad event never costs its payload, and one with nothing good is 400', async () => {
    const bad = [
      5,
      { eid: 'a' },
      { e: 'ue', ue_px: 'e30' },
      { e: 'ue', eid: 'bad', ue_px: '!' },
      { e: 'ue', ue_pr: '{' },
      { e: 'pv', cx: 'bm8' },
      { e: 'pv', dtm: 'yesterday' },
      { e: 'tr', tr_id: 'T' },
    ];
    const some = await send([...bad, { e: 'pv' }]);
    const rejected = [
      { reason: 'not_an_object' },
      { reason: 'required', path: '/type' },
      { reason: 'required', path: '/type' },
      { id: 'bad', reason: 'invalid_json', path: '/ue_px' },
      { reason: 'invalid_json', path: '/ue_pr' },
      { reason: 'invalid_json', path: '/cx' },
      { reason: 'invalid_format', path: '/occurredAt' },
      { reason: 'required', path: '/properties/value' },
    ];
    expect([some.status, some.answer]).toMatchObject([200, { status: 'ok', rejected }]);
    expect(some.clicks).toHaveLength(1);
    expect(await send(bad)).toMatchObject({ status: 400, answer: { rejected } });
  });

  it('the application is the key where no header has one, if there is but one', async () => {
    const of = (...ids: string[]) => ids.map((aid) => ({ e: 'pv', aid }));
    expect((await send(of(WRITE_KEY, WRITE_KEY), {})).status).toBe(200);
    expect((await send(of('of nobody'), {})).answer).toMatchObject({ code: 'PS_WRITE_KEY_UNKNOWN' });
    expect((await send(of(WRITE_KEY, 'other'), {})).answer).toMatchObject({ code: 'PS_WRITE_KEY_MISSING' });
    const { clicks } = await send(of('app', 'other'));
    expect(clicks.map(({ data }) => data.properties?.['aid']).sort()).toEqual(['app', 'other']);
  });

  it('what is no payload is refused, and what cannot be kept is to be sent again', async () => {
    const rig = await createGatewayRig({ down: true });
    const request = readRecorded('snowplow')('browser page view');
    const away = await rig.app.inject(request);
    expect([away.statusCode, Number(away.headers['retry-after']) >= 1]).toEqual([503, true]);
    for (const payload of ['[]', '{"schema":"iglu:x/y/z/1","data":[]}', `{"schema":"${PAYLOAD}","data":{}}`]) {
      const response = await rig.app.inject({ ...request, payload });
      expect(response.json()).toMatchObject({ code: 'PS_BODY_NOT_EVENTS' });
    }
    const bad = await rig.app.inject(`/i?aid=${WRITE_KEY}&aid=x`);
    expect([bad.statusCode, bad.json()]).toMatchObject([400, { rejected: [{ reason: 'required', path: '/type' }] }]);
  });
});
