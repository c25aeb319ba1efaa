import { describe, expect, it } from 'vitest';
import { createGatewayRig, WRITE_KEY } from '../rig.js';
import { readRecorded } from './recorded.js';

const recorded = readRecorded('segment');

async function createSegmentRig(options: Parameters<typeof createGatewayRig>[0] = {}) {
  const rig = await createGatewayRig(options);
  const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
    rig.app.inject({
      method: 'POST',
      url,
      headers: { 'content-type': 'text/plain', ...headers },
      payload: JSON.stringify(body),
    });
  const messages = () =>
    rig.brokers.state.messages.map(({ messageId, body }) => ({ messageId, ...(JSON.parse(body) as object) }));
  return { ...rig, post, messages };
}

/** One track call of this event; what came of its type and properties. */
async function track(event: unknown, properties?: object) {
  const rig = await createSegmentRig();
  const response = await rig.post('/v1/track', { writeKey: WRITE_KEY, userId: 'u', event, properties });
  const [sent] = [...rig.brokers.hubEvents(), ...rig.messages()] as { type: string; data: { properties: object } }[];
  return {
    status: response.statusCode,
    type: sent?.type,
    properties: sent?.data.properties,
    answer: response.json<object>(),
  };
}

describe('what @segment/analytics-node sends', () => {
  it('is one native event for each of its calls', async () => {
    const rig = await createSegmentRig();
    const response = await rig.app.inject(recorded('node batch'));
    expect([response.statusCode, response.json()]).toEqual([200, { success: true }]);
    const who = { anonymousId: 'visitor-1', userId: 'user-1', occurredAt: '2026-11-21T11:58:00.000Z' };
    expect(rig.messages()).toMatchObject([
      {
        messageId: 'purchase:T-1',
        id: 'm-order',
        type: 'purchase',
        source: 'shop',
        data: {
          ...who,
          properties: {
            event_name: 'Order Completed',
            transaction_id: 'T-1',
            order_id: 'T-1',
            value: 25,
            revenue: 25,
            currency: 'EUR',
            items: [
              {
                item_id: 'p1',
                item_name: 'Boots',
                item_category: 'shoes',
                index: 1,
                sku: 's1',
                price: 12.5,
                quantity: 2,
                colour: 'red',
              },
            ],
            context_device: { type: 'ios', id: 'd1' },
            context_traits: { plan: 'pro' },
            context_library: { name: '@segment/analytics-node', version: '3.1.0' },
          },
          context: {
            ip: '203.0.113.0',
            locale: 'de-DE',
            campaign: { name: 'spring', source: 'mail', medium: 'email', content: '7' },
          },
        },
      },
      { messageId: 'refund:T-1', id: 'm-refund', type: 'refund', data: { properties: { value: 12.5, total: 12.5 } } },
    ]);
    expect(rig.messages()[0]).not.toMatchObject({ data: { properties: { products: expect.anything() as unknown } } });
    const byId = new Map(rig.brokers.hubEvents().map((event) => [event.id, event]));
    expect(byId.get('m-page')).toMatchObject({
      type: 'page_view',
      data: {
        ...who,
        page: { url: 'https://shop.example/a?b=1', path: '/a', title: 'Home', referrer: 'https://search.example/' },
      },
    });
    expect(byId.get('m-page')?.data.properties).toEqual({
      category: 'Shop',
      name: 'Home',
      context_library: { name: '@segment/analytics-node', version: '3.1.0' },
    });
    expect(byId.get('m-screen')).toMatchObject({
      type: 'screen_view',
      data: { properties: { screen_name: 'Cart', items_count: 3 } },
    });
    expect(byId.get('m-identify')).toMatchObject({
      type: 'identify',
      data: { properties: { traits: { plan: 'pro' } } },
    });
    expect(byId.get('m-group')).toMatchObject({
      type: 'group',
      data: { properties: { group_id: 'g1', traits: { size: 3 } } },
    });
    expect(byId.get('m-alias')).toMatchObject({
      type: 'alias',
      subject: 'user-1',
      data: { properties: { previous_id: 'old-1' } },
    });
    expect(byId.size).toBe(5);
  });

  it('a retry of it is no second order', async () => {
    const rig = await createSegmentRig();
    for (let times = 0; times < 2; times++) await rig.app.inject(recorded('node batch'));
    expect(new Set(rig.messages().map(({ messageId }) => messageId)).size).toBe(2);
  });
});

describe('what @segment/analytics-next sends', () => {
  it('has its page, campaign, locale and agent in the native fields', async () => {
    const rig = await createSegmentRig();
    for (const name of ['browser identify', 'browser page', 'browser track']) {
      const response = await rig.app.inject(recorded(name));
      expect([response.statusCode, response.json()]).toEqual([200, { success: true }]);
      expect(response.headers['access-control-allow-origin']).toBe('http://shop.example');
    }
    const url = 'http://shop.example/shoes?utm_source=mail&utm_campaign=spring';
    const common = {
      subject: 'user-1',
      data: {
        userId: 'user-1',
        anonymousId: '109fd184-8d82-40e6-ab6e-b9697e678dc8',
        page: { url, path: '/shoes', title: 'Shop' },
        context: { device: 'desktop', locale: 'de-DE', campaign: { source: 'mail', name: 'spring' } },
      },
    };
    const sent = new Map(rig.brokers.hubEvents().map((event) => [event.type, event]));
    expect([...sent.keys()].sort()).toEqual(['identify', 'page_view', 'view_item']);
    for (const event of sent.values()) expect(event).toMatchObject(common);
    expect(sent.get('page_view')?.data.properties).toMatchObject({
      name: 'Shoes',
      colour: 'red',
      context_timezone: 'UTC',
    });
    expect(sent.get('view_item')?.data.properties).toMatchObject({
      items: [{ item_id: 'p1', item_name: 'Boots', item_category: 'shoes', price: 12.5 }],
      page_search: '?utm_source=mail&utm_campaign=spring',
    });
    // Corrected for the client's clock: as long before now as before it was sent.
    expect(sent.get('view_item')?.time).toBe('2026-11-21T11:59:59.995Z');
  });

  it('asks for its settings first, and learns where to send from them', async () => {
    const rig = await createSegmentRig();
    const settings = async (headers: Record<string, string>) =>
      (await rig.app.inject({ url: '/v1/projects/k-1/settings', headers })).json<{ integrations: object }>()
        .integrations;
    expect(await settings({ host: 'collector.example:8443', 'x-forwarded-proto': 'https' })).toMatchObject({
      'Segment.io': { apiKey: 'k-1', apiHost: 'collector.example:8443/v1', protocol: 'https' },
    });
    expect(await settings({ host: 'localhost:8080' })).toMatchObject({
      'Segment.io': { apiHost: 'localhost:8080/v1', protocol: 'http' },
    });
  });
});

describe('the names of events', () => {
  it.each([
    ['Products Searched', { query: 'boots' }, 'search', { search_term: 'boots', query: 'boots' }],
    [
      'Product List Viewed',
      { list_id: 'l', category: 'c' },
      'view_item_list',
      { item_list_id: 'l', item_list_name: 'c' },
    ],
    [
      'Promotion Clicked',
      { name: 'n', creative: 'c' },
      'select_promotion',
      { promotion_name: 'n', creative_name: 'c' },
    ],
    ['Product Clicked', { sku: 's' }, 'select_item', { items: [{ item_id: 's' }] }],
    ['product viewed', { product_id: 'p', sku: 's' }, 'view_item', { items: [{ item_id: 'p' }] }],
    ['Added Product', { id: 5, quantity: '2' }, 'add_to_cart', { items: [{ item_id: 5, quantity: 2 }], quantity: 2 }],
    ['Product Removed', {}, 'remove_from_cart', {}],
    ['Cart Viewed', { products: [{ name: 'a' }, 'odd'] }, 'view_cart', { items: [{ item_name: 'a' }, 'odd'] }],
    ['Checkout Started', { value: '9.50' }, 'begin_checkout', { value: 9.5 }],
    ['Payment Info Entered', { payment_method: 'card' }, 'add_payment_info', { payment_type: 'card' }],
    ['Product Shared', { share_via: 'mail' }, 'share', { method: 'mail' }],
    ['Signed Up', {}, 'sign_up', {}],
    ['Order Completed', { order_id: 'a', total: '3', currency: 'EUR' }, 'purchase', { transaction_id: 'a', value: 3 }],
    [
      'purchase',
      { transaction_id: 'a', order_id: 'b', value: 3, revenue: 4, currency: 'EUR' },
      'purchase',
      { transaction_id: 'a', value: 3 },
    ],
    ['page_scrolled', {}, 'page_scrolled', undefined],
    ['Käse gekauft!', {}, 'kase_gekauft', {}],
    ['покупка', {}, 'track', { event_name: 'покупка' }],
  ])('%s is Google Analytics 4’s where there is one, and readable elsewhere', async (event, sent, type, properties) => {
    const result = await track(event, sent);
    expect([result.status, result.type]).toEqual([200, type]);
    if (properties !== undefined) expect(result.properties).toMatchObject(properties);
    if (type !== event) expect(result.properties).toMatchObject({ event_name: event });
  });

  it('items that were sent as such stay as they are', async () => {
    const { properties } = await track('Product Added', { items: [{ item_id: 'x' }], product_id: 'p', products: [1] });
    expect(properties).toMatchObject({ items: [{ item_id: 'x' }], products: [1] });
  });
});

describe('the answers', () => {
  const click = { type: 'track', event: 'click', userId: 'u', messageId: 'm1' };

  it('the key may stand in the body or its events, and a wrong one is refused', async () => {
    const rig = await createSegmentRig();
    expect((await rig.post('/v1/batch', { writeKey: WRITE_KEY, batch: [click] })).statusCode).toBe(200);
    expect((await rig.post('/v1/b', { batch: [{ ...click, writeKey: WRITE_KEY }] })).statusCode).toBe(200);
    const wrong = await rig.post('/v1/t', { ...click, writeKey: 'of nobody' });
    expect([wrong.statusCode, wrong.json()]).toMatchObject([401, { success: false, code: 'PS_WRITE_KEY_UNKNOWN' }]);
    expect((await rig.post('/v1/t', click)).json()).toMatchObject({ code: 'PS_WRITE_KEY_MISSING' });
  });

  it('one bad message never costs its batch, and a request with nothing good is 400', async () => {
    const rig = await createSegmentRig();
    const bad = [5, { ...click, type: 'order' }, { ...click, type: undefined }, { ...click, event: '' }];
    const some = await rig.post('/v1/batch', { writeKey: WRITE_KEY, batch: [...bad, click] });
    expect([some.statusCode, some.json()]).toMatchObject([
      200,
      {
        success: true,
        results: [
          { reason: 'not_an_object' },
          { id: click.messageId, reason: 'invalid_format', path: '/type' },
          { reason: 'required', path: '/type' },
          { reason: 'required', path: '/type' },
          { outcome: 'accepted' },
        ],
      },
    ]);
    const none = await rig.post('/v1/batch', { writeKey: WRITE_KEY, batch: bad });
    expect([none.statusCode, none.json()]).toMatchObject([400, { success: false }]);
    for (const body of [[], { batch: 5 }]) {
      const response = await rig.post('/v1/batch', body, { authorization: `Bearer ${WRITE_KEY}` });
      expect([response.statusCode, response.json()]).toMatchObject([400, { code: 'PS_BODY_NOT_EVENTS' }]);
    }
  });

  it('what cannot be kept now is 429, since its SDKs wait as told only then', async () => {
    const rig = await createSegmentRig({ down: true });
    const response = await rig.post('/v1/t', { ...click, writeKey: WRITE_KEY });
    expect([response.statusCode, response.json()]).toMatchObject([
      429,
      { success: false, code: 'PS_BROKER_UNAVAILABLE' },
    ]);
    expect(Number(response.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  });

  it('hides no address behind that of the sender, and takes what is odd as it is', async () => {
    const rig = await createSegmentRig();
    const send = async (context: object, more: object = {}) => {
      await rig.post('/v1/t', { ...click, messageId: undefined, writeKey: WRITE_KEY, context, ...more });
      return rig.brokers.hubEvents().at(-1)?.data;
    };
    expect((await send({ ip: 0 }))?.context.ip).toBe('0.0.0.0');
    expect((await send({ ip: 'unknown' }))?.context.ip).toBe('0.0.0.0');
    expect((await send({ location: { country: 'de' } }))?.context.country).toBe('DE');
    expect(await send({ locale: 5, session_id: 's1' }, { channel: 'web', properties: 'odd' })).toMatchObject({
      sessionId: 's1',
      properties: { channel: 'web', properties: 'odd' },
    });
    const batch = { writeKey: WRITE_KEY, context: { locale: 'fr' }, batch: [click], sentAt: '2026-11-21T12:00:00Z' };
    await rig.post('/v1/import', batch);
    expect(rig.brokers.hubEvents().at(-1)?.data).toMatchObject({ context: { locale: 'fr' }, sentAt: batch.sentAt });
  });

  it('prototype keys are refused wherever they stand', async () => {
    const rig = await createSegmentRig();
    for (const body of [
      `{"event":"click","userId":"u","properties":{"__proto__":{"a":1}}}`,
      `{"event":"click","userId":"u","constructor":1}`,
      `{"event":"click","userId":"u","properties":{"products":[{"__proto__":1}]}}`,
      `{"event":"click","userId":"u","context":{"campaign":{"__proto__":1}}}`,
    ]) {
      const response = await rig.app.inject({
        method: 'POST',
        url: `/v1/track?writeKey=${WRITE_KEY}`,
        headers: { 'content-type': 'application/json' },
        payload: body,
      });
      expect(response.json()).toMatchObject({ success: false, results: [{ reason: 'forbidden_key' }] });
    }
  });
});

describe('the pixel', () => {
  it('has one message in its query, and answers a picture', async () => {
    const rig = await createSegmentRig();
    const response = await rig.app.inject(recorded('pixel'));
    expect([response.statusCode, response.headers['content-type']]).toEqual([200, 'image/gif']);
    expect(rig.brokers.hubEvents()).toMatchObject([
      { id: 'm-9', type: 'email_opened', data: { userId: 'u1', properties: { campaign: 'spring' } } },
    ]);
  });

  it('says what is wrong where a picture could not', async () => {
    const rig = await createSegmentRig();
    const response = await rig.app.inject(recorded('pixel of no event'));
    expect([response.statusCode, response.json()]).toMatchObject([400, { success: false }]);
    const empty = await rig.app.inject(`/v1/pixel/track?writeKey=${WRITE_KEY}`);
    expect([empty.statusCode, empty.json()]).toMatchObject([400, { code: 'PS_BODY_EMPTY' }]);
    const odd = await rig.app.inject(`/v1/pixel/constructor?writeKey=${WRITE_KEY}&data=e30=`);
    expect([odd.statusCode, odd.json()]).toMatchObject([400, { code: 'PS_BODY_NOT_EVENTS' }]);
  });
});
