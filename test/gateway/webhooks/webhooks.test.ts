import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { PenstockEvent } from '../../../src/events/index.js';
import { createGatewayRig, WRITE_KEY } from '../rig.js';

const SECRET = 'a-secret-of-the-shop';
const NOW_MS = Date.UTC(2026, 10, 21, 12);
const sources = [
  {
    name: 'shop',
    writeKey: WRITE_KEY,
    webhooks: { shopify: ['an-older-secret', SECRET], woocommerce: [SECRET], stripe: [SECRET] },
  },
  { name: 'other', writeKey: 'another-write-key' },
];

const hmac = (content: string, encoding: 'base64' | 'hex', secret = SECRET) =>
  createHmac('sha256', secret).update(content).digest(encoding);

async function createRig(options: Parameters<typeof createGatewayRig>[0] = {}) {
  const rig = await createGatewayRig({ gateway: { sources }, ...options });
  const post = (url: string, payload: string, headers: Record<string, string>) =>
    rig.app.inject({ method: 'POST', url, payload, headers: { 'content-type': 'application/json', ...headers } });
  return {
    ...rig,
    post,
    shopify: (topic: string, body: object, signature?: string, source = 'shop') => {
      const payload = JSON.stringify(body);
      const headers = { 'x-shopify-topic': topic, 'x-shopify-hmac-sha256': signature ?? hmac(payload, 'base64') };
      return post(`/webhooks/shopify/${source}`, payload, headers);
    },
    woo: (topic: string, body: object) => {
      const payload = JSON.stringify(body);
      const headers = { 'x-wc-webhook-topic': topic, 'x-wc-webhook-signature': hmac(payload, 'base64') };
      return post('/webhooks/woocommerce/shop', payload, headers);
    },
    stripe: (body: object, atMs = NOW_MS, scheme = 'v1') => {
      const payload = JSON.stringify(body);
      const t = Math.floor(atMs / 1000);
      const signature = `t=${t},v1=${'0'.repeat(64)},${scheme}=${hmac(`${t}.${payload}`, 'hex')}`;
      return post('/webhooks/stripe/shop', payload, { 'stripe-signature': signature });
    },
    orders: () =>
      rig.brokers.state.messages.map(({ messageId, body }) => ({
        messageId,
        event: JSON.parse(body) as PenstockEvent,
      })),
  };
}

const shopifyOrder = {
  id: 5001,
  name: '#1001',
  financial_status: 'paid',
  created_at: '2026-11-21T06:58:00-05:00',
  updated_at: '2026-11-21T06:59:00-05:00',
  currency: 'EUR',
  total_price: '59.90',
  total_tax: '9.56',
  email: 'person@x.example',
  customer: { id: 77, email: 'person@x.example' },
  billing_address: { country_code: 'DE', name: 'A Person' },
  line_items: [{ product_id: 9, sku: 's-9', title: 'Boots', price: '59.90', quantity: 1 }],
};

describe('webhooks of Shopify', () => {
  it('a paid order is a purchase, without the person behind it', async () => {
    const rig = await createRig();
    expect((await rig.shopify('orders/paid', shopifyOrder)).json()).toEqual({ ok: true, events: 1 });
    expect(rig.orders()).toMatchObject([
      {
        messageId: 'purchase:5001',
        event: {
          source: 'shop',
          type: 'purchase',
          time: '2026-11-21T11:58:00.000Z',
          subject: '77',
          data: {
            properties: {
              transaction_id: 5001,
              value: 59.9,
              currency: 'EUR',
              items: [{ item_id: 9, item_name: 'Boots', price: 59.9, quantity: 1 }],
            },
            context: { country: 'DE' },
          },
        },
      },
    ]);
    expect(JSON.stringify(rig.orders())).not.toMatch(/person/i);
  });

  it('numbers beyond what JSON can hold, as of the notification that Shopify sends to try a webhook, are told exactly', async () => {
    const rig = await createRig();
    const gid = (kind: string, id: string) => ({ id: Number(id), admin_graphql_api_id: `gid://shopify/${kind}/${id}` });
    const customer = gid('Customer', '115310627314723954');
    const sample = { ...shopifyOrder, ...gid('Order', '820982911946154508'), customer };
    expect((await rig.shopify('orders/paid', { ...sample, test: true })).json()).toMatchObject({ dropped: 1 });
    expect((await rig.shopify('orders/paid', sample)).json()).toEqual({ ok: true, events: 1 });
    expect(rig.orders()).toMatchObject([
      { messageId: 'purchase:820982911946154508', event: { subject: '115310627314723954' } },
    ]);
  });

  it('a refund is the sum of what was paid back, of that order', async () => {
    const rig = await createRig();
    const refund = {
      id: 6001,
      order_id: 5001,
      created_at: '2026-11-21T11:59:00Z',
      transactions: [
        { kind: 'refund', status: 'success', amount: '10.10', currency: 'EUR' },
        { kind: 'refund', status: 'success', amount: '0.20', currency: 'EUR' },
        { kind: 'refund', status: 'failure', amount: '99.00', currency: 'EUR' },
        { kind: 'refund', status: 'error', amount: '99.00', currency: 'EUR' },
      ],
      refund_line_items: [{ quantity: 1, line_item: { product_id: 9, title: 'Boots' } }],
    };
    await rig.shopify('refunds/create', refund);
    expect(rig.orders()).toMatchObject([
      {
        messageId: 'refund:5001:6001',
        event: { type: 'refund', data: { properties: { value: 10.3, currency: 'EUR', items: [{ item_id: 9 }] } } },
      },
    ]);
  });

  it('a refund in a currency of thousandths is not rounded', async () => {
    const rig = await createRig();
    const paidBack = { kind: 'refund', status: 'success', amount: '1.125', currency: 'KWD' };
    const refund = { id: 6002, order_id: 5002, created_at: '2026-11-21T11:59:00Z', transactions: [paidBack, paidBack] };
    await rig.shopify('refunds/create', refund);
    expect(rig.orders()).toMatchObject([{ event: { data: { properties: { value: 2.25, currency: 'KWD' } } } }]);
  });

  it('an order that is not paid, and any other topic, is answered and passed over', async () => {
    const rig = await createRig();
    const pending = { ...shopifyOrder, financial_status: 'pending' };
    for (const answer of [await rig.shopify('orders/create', pending), await rig.shopify('products/update', {})]) {
      expect([answer.statusCode, answer.json()]).toEqual([200, { ok: true, events: 0 }]);
    }
    expect(rig.orders()).toEqual([]);
  });

  it('a signature that is wrong, of another body, of another secret or missing is refused, as an unknown source is', async () => {
    const rig = await createRig();
    const payload = JSON.stringify(shopifyOrder);
    const answers = [
      await rig.shopify('orders/paid', shopifyOrder, 'nonsense'),
      await rig.shopify('orders/paid', shopifyOrder, ''),
      await rig.shopify('orders/paid', shopifyOrder, `${hmac(payload, 'base64')}=junk`),
      await rig.shopify('orders/paid', shopifyOrder, hmac(`${payload} `, 'base64')),
      await rig.shopify('orders/paid', shopifyOrder, hmac(payload, 'base64', 'of nobody')),
      await rig.shopify('orders/paid', shopifyOrder, undefined, 'other'),
      await rig.shopify('orders/paid', shopifyOrder, undefined, 'nobody'),
      await rig.post('/webhooks/shopify/shop', payload, { 'x-shopify-topic': 'orders/paid' }),
      await rig.post('/webhooks/shopify/shop', payload, { authorization: `Bearer ${WRITE_KEY}` }),
    ];
    for (const answer of answers) {
      expect([answer.statusCode, answer.json()]).toMatchObject([401, { code: 'PS_SIGNATURE_INVALID' }]);
    }
    expect(rig.orders()).toEqual([]);
  });

  it('a test order, and the refund of one, is dropped and told of, or taken and marked where the source asks for it', async () => {
    const refund = {
      id: 6001,
      order_id: 5001,
      created_at: '2026-11-21T11:59:00Z',
      transactions: [{ kind: 'refund', status: 'success', amount: '10.10', currency: 'EUR', test: true }],
    };
    const rig = await createRig();
    expect((await rig.shopify('orders/paid', { ...shopifyOrder, test: false })).json()).toEqual({
      ok: true,
      events: 1,
    });
    for (const answer of [
      await rig.shopify('orders/paid', { ...shopifyOrder, id: 5002, test: true }),
      await rig.shopify('refunds/create', refund),
    ]) {
      expect([answer.statusCode, answer.json()]).toEqual([200, { ok: true, events: 0, dropped: 1 }]);
    }
    expect(rig.orders().map(({ messageId }) => messageId)).toEqual(['purchase:5001']);
    expect((await rig.app.inject('/metrics')).body).toContain('reason="test_order"');

    const webhooks = { shopify: [SECRET], testOrders: 'flag' as const };
    const trial = await createRig({ gateway: { sources: [{ name: 'shop', writeKey: WRITE_KEY, webhooks }] } });
    await trial.shopify('orders/paid', { ...shopifyOrder, test: true });
    await trial.shopify('refunds/create', refund);
    expect(trial.orders()).toMatchObject([
      { event: { data: { properties: { transaction_id: 5001, test: true } } } },
      { event: { data: { properties: { refund_id: 6001, test: true } } } },
    ]);
  });

  it('while a secret is being replaced both are good', async () => {
    const rig = await createRig();
    const signature = hmac(JSON.stringify(shopifyOrder), 'base64', 'an-older-secret');
    expect((await rig.shopify('orders/paid', shopifyOrder, signature)).statusCode).toBe(200);
  });

  it('sent again it is the same order, and after the topic may have forgotten it, it is refused', async () => {
    const rig = await createRig();
    await rig.shopify('orders/paid', shopifyOrder);
    const again = await rig.shopify('orders/paid', shopifyOrder);
    expect([again.statusCode, again.json()]).toEqual([200, { ok: true, events: 1 }]);
    expect(rig.orders().map(({ messageId }) => messageId)).toEqual(['purchase:5001']);
    rig.clock.advance(12 * 3_600_000);
    const late = await rig.shopify('orders/paid', shopifyOrder);
    expect([late.statusCode, late.json()]).toMatchObject([400, { code: 'PS_WEBHOOK_TOO_OLD' }]);
    expect(rig.orders()).toHaveLength(1);
  });

  it('what cannot be an order is told of, and what could not be kept is to be sent again', async () => {
    const rig = await createRig();
    const answer = await rig.shopify('orders/paid', { ...shopifyOrder, currency: null });
    expect([answer.statusCode, answer.json()]).toMatchObject([
      200,
      { ok: true, events: 0, rejected: [{ reason: 'required', path: '/properties/currency' }] },
    ]);
    const busy = await (await createRig({ down: true })).shopify('orders/paid', shopifyOrder);
    expect([busy.statusCode, busy.headers['retry-after']]).toEqual([503, '1']);
  });
});

describe('webhooks of WooCommerce', () => {
  const order = {
    id: 301,
    number: '301',
    status: 'processing',
    currency: 'EUR',
    total: '20.00',
    date_created_gmt: '2026-11-21T11:50:00',
    date_paid_gmt: '2026-11-21T11:55:00',
    date_modified_gmt: '2026-11-21T11:55:00',
    customer_id: 0,
    billing: { country: 'AT', email: 'person@x.example' },
    line_items: [{ product_id: 4, name: 'Tea', price: 10, quantity: 2, sku: '' }],
    refunds: [],
  };

  it('an order is a purchase when it is paid, and its refunds are refunds', async () => {
    const rig = await createRig();
    await rig.woo('order.created', { ...order, status: 'pending', date_paid_gmt: null });
    expect(rig.orders()).toEqual([]);
    await rig.woo('order.updated', order);
    await rig.woo('order.updated', {
      ...order,
      refunds: [
        { id: 9, total: '-5.00' },
        { id: 10, total: '-1.50' },
      ],
    });
    expect(rig.orders()).toMatchObject([
      {
        messageId: 'purchase:301',
        event: { time: '2026-11-21T11:55:00.000Z', data: { context: { country: 'AT' }, properties: { value: 20 } } },
      },
      { messageId: 'refund:301:9', event: { data: { properties: { value: 5, currency: 'EUR' } } } },
      { messageId: 'refund:301:10', event: { data: { properties: { value: 1.5 } } } },
    ]);
  });

  it('an old order that changes is no new order, and no error', async () => {
    const rig = await createRig();
    const old = { ...order, date_paid_gmt: '2026-11-19T11:55:00', status: 'completed' };
    const answer = await rig.woo('order.updated', old);
    expect([answer.statusCode, answer.json()]).toEqual([200, { ok: true, events: 0 }]);
    expect(rig.orders()).toEqual([]);
  });

  it('its ping is answered, which has no signature; nothing else goes without', async () => {
    const rig = await createRig();
    expect((await rig.post('/webhooks/woocommerce/shop', 'webhook_id=7', {})).statusCode).toBe(200);
    expect((await rig.post('/webhooks/woocommerce/shop', JSON.stringify(order), {})).statusCode).toBe(401);
  });
});

describe('webhooks of Stripe', () => {
  const intent = (object: object) => ({
    id: 'evt_1',
    type: 'payment_intent.succeeded',
    created: NOW_MS / 1000 - 2,
    data: { object: { id: 'pi_1', amount_received: 1999, currency: 'eur', customer: 'cus_1', ...object } },
  });

  it('a payment is one purchase, by whichever event, in the units of its currency', async () => {
    const rig = await createRig();
    await rig.stripe(intent({ metadata: { anonymousId: 'v1', userId: 'u1' } }));
    const session = { payment_status: 'paid', payment_intent: 'pi_2', amount_total: 500, currency: 'jpy' };
    const completed = { ...intent({}), id: 'evt_2', type: 'checkout.session.completed', data: { object: session } };
    await rig.stripe(completed);
    await rig.stripe({ ...completed, data: { object: { ...session, payment_status: 'unpaid' } } });
    expect(rig.orders()).toMatchObject([
      {
        messageId: 'purchase:pi_1',
        event: {
          id: 'evt_1',
          time: '2026-11-21T11:59:58.000Z',
          data: { anonymousId: 'v1', userId: 'u1', properties: { value: 19.99, currency: 'EUR' } },
        },
      },
      { messageId: 'purchase:pi_2', event: { data: { properties: { value: 500, currency: 'JPY' } } } },
    ]);
  });

  it('a payment in test mode is dropped', async () => {
    const rig = await createRig();
    const answer = await rig.stripe({ ...intent({}), livemode: false });
    expect(answer.json()).toEqual({ ok: true, events: 0, dropped: 1 });
    await rig.stripe({ ...intent({}), livemode: true });
    expect(rig.orders()).toHaveLength(1);
  });

  it('a refund is of its payment', async () => {
    const rig = await createRig();
    const refund = { id: 're_1', payment_intent: 'pi_1', amount: 250, currency: 'eur', reason: 'duplicate' };
    await rig.stripe({ id: 'evt_3', type: 'refund.created', created: NOW_MS / 1000, data: { object: refund } });
    expect(rig.orders()).toMatchObject([
      { messageId: 'refund:pi_1:re_1', event: { data: { properties: { value: 2.5, currency: 'EUR' } } } },
    ]);
  });

  it('a refund that has failed is none', async () => {
    const rig = await createRig();
    for (const status of ['failed', 'canceled', 'pending']) {
      const refund = { id: `re_${status}`, payment_intent: 'pi_1', amount: 250, currency: 'eur', status };
      await rig.stripe({ id: 'evt', type: 'refund.created', created: NOW_MS / 1000, data: { object: refund } });
    }
    expect(rig.orders()).toMatchObject([{ messageId: 'refund:pi_1:re_pending' }]);
  });

  it('an event that is sent anew when the topic has forgotten its order is refused', async () => {
    const rig = await createRig();
    const hour = 3600;
    const statuses = [];
    for (const age of [11 * hour, 13 * hour])
      statuses.push((await rig.stripe({ ...intent({ id: `pi_${age}` }), created: NOW_MS / 1000 - age })).statusCode);
    expect(statuses).toEqual([200, 400]);
    expect(rig.orders()).toHaveLength(1);
  });

  it('a signature is good for five minutes, and only in the scheme that counts', async () => {
    const rig = await createRig();
    const statuses = [];
    for (const atMs of [NOW_MS - 299_000, NOW_MS - 301_000, NOW_MS + 301_000])
      statuses.push((await rig.stripe(intent({}), atMs)).statusCode);
    statuses.push((await rig.stripe(intent({}), NOW_MS, 'v0')).statusCode);
    const payload = JSON.stringify(intent({}));
    const t = NOW_MS / 1000;
    const junkBehind = `t=${t},v1=${hmac(`${t}.${payload}`, 'hex')}zz`;
    statuses.push((await rig.post('/webhooks/stripe/shop', payload, { 'stripe-signature': junkBehind })).statusCode);
    expect(statuses).toEqual([200, 401, 401, 401, 401]);
    expect(rig.orders()).toHaveLength(1);
  });
});
