import { WRITE_KEY } from './parts.js';

export const EVENTS_PATH = '/v1/events';
export const headers = {
  'content-type': 'application/json',
  authorization: `Bearer ${WRITE_KEY}`,
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36',
};

/** Clock readings of the client; only the time between them counts. */
const OCCURRED_AT = '2026-01-01T12:00:00.000Z';
const SENT_AT = '2026-01-01T12:00:01.250Z';

/** A page view as the tracker sends it, without an id of its own: the gateway gives each repetition another. */
function pageView(visitor: number, page: number): Record<string, unknown> {
  return {
    type: 'page_view',
    occurredAt: OCCURRED_AT,
    anonymousId: `visitor-${visitor.toString(36).padStart(8, '0')}`,
    sessionId: `session-${visitor.toString(36).padStart(8, '0')}`,
    page: {
      url: `https://shop.example/catalogue/item-${page}?ref=list`,
      path: `/catalogue/item-${page}`,
      title: `Item ${page}`,
      referrer: 'https://shop.example/catalogue',
    },
    context: { locale: 'en-GB' },
  };
}

export const click = JSON.stringify({ sentAt: SENT_AT, ...pageView(1, 1) });

/** `[<id>]` is another in each request, so no purchase is a duplicate. */
export const purchase = JSON.stringify({
  type: 'purchase',
  anonymousId: 'visitor-00000001',
  userId: 'user-1',
  properties: {
    transaction_id: '[<id>]',
    value: 59.9,
    currency: 'EUR',
    items: [{ item_id: 'sku-1', item_name: 'Shoe', item_category: 'shoes', price: 59.9, quantity: 1 }],
  },
  context: { locale: 'en-GB' },
});

export const BATCH = 50;
const BODIES = 200;
const PAGES = 500;

/** Batches of 50 page views: 10 visitors with 5 pages each, other visitors in every body, 2,000 in all. */
export const batches: readonly string[] = Array.from({ length: BODIES }, (_, body) => {
  const events = Array.from({ length: BATCH }, (_, i) => pageView(body * 10 + (i % 10), (body * 7 + i) % PAGES));
  return JSON.stringify({ sentAt: SENT_AT, events });
});
