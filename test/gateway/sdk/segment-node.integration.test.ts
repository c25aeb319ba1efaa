import { Analytics, type Context } from '@segment/analytics-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { only, type SdkStack, startSdkStack, WRITE_KEY } from './stack.js';

describe('@segment/analytics-node', () => {
  let stack: SdkStack;
  const clients: Analytics[] = [];
  const errors: unknown[] = [];
  beforeAll(async () => {
    stack = await startSdkStack();
  });
  afterAll(async () => {
    for (const client of clients) await client.closeAndFlush({ timeout: 1000 });
    await stack.stop();
  });

  const createClient = (settings: { writeKey?: string; flushAt?: number } = {}) => {
    const client = new Analytics({ writeKey: WRITE_KEY, host: stack.url, flushAt: 1, ...settings });
    client.on('error', (error) => errors.push(error));
    clients.push(client);
    return client;
  };
  type Send = (done: (error: unknown, context?: Context) => void) => void;
  /** What the SDK says became of one call. */
  const settled = (send: Send) =>
    new Promise<unknown>((resolve, reject) => send((error) => (error ? reject(error as Error) : resolve('delivered'))));

  it('each kind of call arrives once, with its id, visitor, time and properties', async () => {
    const client = createClient({ flushAt: 6 });
    const timestamp = new Date('2026-11-20T10:00:00.000Z');
    const who = { userId: 'user-1', anonymousId: 'visitor-1', timestamp };
    const calls: Send[] = [
      (done) =>
        client.track(
          {
            ...who,
            messageId: 'm-order',
            event: 'Order Completed',
            properties: {
              order_id: 'T-1',
              revenue: 25,
              currency: 'EUR',
              products: [{ product_id: 'p1', name: 'Boots', category: 'shoes', price: 12.5, quantity: 2 }],
            },
            context: {
              ip: '203.0.113.77',
              locale: 'de-DE',
              campaign: { name: 'spring', source: 'mail', medium: 'email' },
            },
          },
          done,
        ),
      (done) => client.track({ ...who, messageId: 'm-view', event: 'Product Viewed', properties: { sku: 's1' } }, done),
      (done) =>
        client.page({ ...who, messageId: 'm-page', name: 'Home', properties: { url: 'https://x.example/a?b' } }, done),
      (done) => client.identify({ ...who, messageId: 'm-identify', traits: { plan: 'pro' } }, done),
      (done) => client.group({ ...who, messageId: 'm-group', groupId: 'g1', traits: { size: 3 } }, done),
      (done) => client.alias({ messageId: 'm-alias', userId: 'user-1', previousId: 'old-1', timestamp }, done),
    ];
    expect(await Promise.all(calls.map(settled))).toEqual(Array(6).fill('delivered'));
    expect(stack.answers).toEqual([{ url: '/v1/batch', status: 200 }]);

    const events = await stack.events(6);
    expect(events).toHaveLength(6);
    expect(only(events, 'm-order')).toMatchObject({
      type: 'purchase',
      source: 'shop',
      subject: 'user-1',
      data: {
        anonymousId: 'visitor-1',
        userId: 'user-1',
        occurredAt: timestamp.toISOString(),
        properties: {
          transaction_id: 'T-1',
          value: 25,
          currency: 'EUR',
          items: [{ item_id: 'p1', item_name: 'Boots', item_category: 'shoes', price: 12.5, quantity: 2 }],
        },
        context: { ip: '203.0.113.0', locale: 'de-DE', campaign: { name: 'spring', source: 'mail', medium: 'email' } },
      },
    });
    expect(only(events, 'm-view')).toMatchObject({
      type: 'view_item',
      data: { properties: { items: [{ item_id: 's1' }] } },
    });
    expect(only(events, 'm-page')).toMatchObject({
      type: 'page_view',
      data: { page: { url: 'https://x.example/a?b', path: '/a' }, properties: { name: 'Home' } },
    });
    expect(only(events, 'm-identify')).toMatchObject({
      type: 'identify',
      data: { properties: { traits: { plan: 'pro' } } },
    });
    expect(only(events, 'm-group')).toMatchObject({ type: 'group', data: { properties: { group_id: 'g1' } } });
    expect(only(events, 'm-alias')).toMatchObject({ type: 'alias', data: { properties: { previous_id: 'old-1' } } });
  });

  it('on 429 it waits as long as it was told, and everything arrives once', async () => {
    const client = createClient();
    const from = stack.answers.length;
    let delivered: Promise<unknown> | undefined;
    await stack.overload(1, () => {
      delivered = settled((done) => client.track({ userId: 'user-2', messageId: 'm-busy', event: 'Clicked' }, done));
    });
    expect(await delivered).toBe('delivered');
    expect(stack.answers.slice(from).map(({ status }) => status)).toEqual([429, 200]);
    expect(only(await stack.events(7), 'm-busy')).toMatchObject({ type: 'Clicked', subject: 'user-2' });
  });

  it('is told when a call is not taken, and which of a batch', async () => {
    const stranger = createClient({ writeKey: 'of nobody' });
    await expect(settled((done) => stranger.track({ userId: 'u', event: 'e' }, done))).rejects.toThrow('401');
    const client = createClient();
    const order = { userId: 'u', event: 'Order Completed', properties: { revenue: 5 } };
    await expect(settled((done) => client.track(order, done))).rejects.toThrow('400');
    expect(await stack.events(7)).toHaveLength(7);
  });
});
