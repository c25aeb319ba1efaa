import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createDeviceDetector,
  createEnvelope,
  createNormaliser,
  createTopicMessage,
  isPlainJson,
  type NormalisedEvent,
  parsePack,
  Rejection,
  serialise,
} from '../../src/events/index.js';

const receivedAtMs = Date.UTC(2026, 10, 21, 12);
const receivedAt = '2026-11-21T12:00:00.000Z';
const context = { ip: '203.0.113.0', device: 'desktop' } as const;
const normalise = createNormaliser({ ids: { next: () => 'made-id' }, deviceOf: createDeviceDetector() }, { depth: 6 });
const envelope = createEnvelope({ source: 'shop', context, receivedAtMs });

const judge = (raw: unknown, sentAt?: unknown) => normalise(raw, { receivedAtMs, sentAt, context });
const normal = (raw: unknown, sentAt?: unknown): NormalisedEvent => {
  const event = judge(raw, sentAt);
  if (event instanceof Rejection) throw new Error(`${event.reason} ${event.path}`);
  return event;
};
const written = (raw: unknown, sentAt?: unknown) => {
  const [event] = parsePack(`[${serialise(normal(raw, sentAt), envelope)}]`);
  if (event === undefined) throw new Error('no event');
  return event;
};
const messageOf = (raw: unknown) => {
  const event = normal(raw);
  return createTopicMessage(event, serialise(event, envelope), envelope, context);
};
const purchase = (properties: object, fields: object = {}) => ({
  type: 'purchase',
  properties: { transaction_id: 'T1', value: 10, currency: 'EUR', ...properties },
  ...fields,
});

describe('an event that is sound', () => {
  it('is a CloudEvents object with all that was sent', () => {
    expect(
      written({
        type: 'view_item',
        id: 'e-1',
        anonymousId: 'a "quoted" one',
        userId: 42,
        sessionId: 's',
        occurredAt: '2026-11-21T11:59:00Z',
        page: { url: 'https://shop.example/shoes?x=1#top', title: 'Schuhe – ö 👟' },
        properties: { item_id: 'i', nested: { a: [1, null, true] } },
      }),
    ).toEqual({
      specversion: '1.0',
      id: 'e-1',
      source: 'shop',
      type: 'view_item',
      time: '2026-11-21T11:59:00.000Z',
      subject: '42',
      data: {
        anonymousId: 'a "quoted" one',
        userId: '42',
        sessionId: 's',
        page: { url: 'https://shop.example/shoes?x=1#top', path: '/shoes', title: 'Schuhe – ö 👟' },
        properties: { item_id: 'i', nested: { a: [1, null, true] } },
        context,
        occurredAt: '2026-11-21T11:59:00Z',
        receivedAt,
      },
    });
  });

  it('needs nothing but a type; then it gets an id and the time of its arrival', () => {
    expect(written({ type: 'ping' })).toEqual({
      specversion: '1.0',
      id: 'made-id',
      source: 'shop',
      type: 'ping',
      time: receivedAt,
      data: { context, receivedAt },
    });
  });

  it('null is the same as absent', () => {
    expect(written({ type: 'ping', userId: null, page: null, properties: null, context: null, id: null })).toEqual(
      written({ type: 'ping' }),
    );
  });

  it('unknown fields become properties, of the event, of its page and of its context; a property of the name wins', () => {
    const event = written({
      type: 'ping',
      colour: 'red',
      size: 1,
      page: { url: '/x', search: '?q' },
      context: { os: { name: 'Linux' } },
      properties: { size: 2 },
    });
    expect(event.data.properties).toEqual({
      colour: 'red',
      size: 2,
      page_search: '?q',
      context_os: { name: 'Linux' },
    });
    expect(event.data.page).toEqual({ url: '/x', path: '/x' });
  });

  it("the page may come by Google Analytics' flat names", () => {
    const properties = { page_location: 'https://a.example', page_title: 'A', page_referrer: 'https://b.example/' };
    expect(written({ type: 'page_view', properties }).data.page).toEqual({
      url: 'https://a.example',
      path: '/',
      title: 'A',
      referrer: 'https://b.example/',
    });
  });

  it('its own context wins over that of the request, truncated and with its own device', () => {
    const phone =
      'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1';
    const own = { ip: '198.51.100.23', userAgent: phone, country: 'de', locale: 'de-DE', campaign: { source: 'mail' } };
    expect(written({ type: 'ping', context: own }).data.context).toEqual({
      ip: '198.51.100.0',
      device: 'mobile',
      country: 'DE',
      locale: 'de-DE',
      campaign: { source: 'mail' },
    });
  });

  it('of a user agent only the device type is kept', () => {
    const json = JSON.stringify(
      written({ type: 'ping', context: { userAgent: 'Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X)' } }),
    );
    expect(json).toContain('"device":"tablet"');
    expect(json).not.toContain('Mozilla');
  });

  it('an event never gets the context of the one before', () => {
    const contexts = [
      { locale: 'de-DE' },
      { locale: 'de-DE' },
      { locale: 'en-GB' },
      { locale: 'en-GB', country: 'GB' },
      { country: 'GB' },
      { campaign: { source: 'mail' } },
      { campaign: { source: 'web' } },
      undefined,
    ];
    for (const own of contexts) {
      expect(written({ type: 'ping', context: own }).data.context).toEqual({ ...context, ...own });
    }
  });

  it('anything that JSON can say in properties comes out as it went in', () => {
    const key = fc.string().filter((name) => !['__proto__', 'constructor', 'prototype', ''].includes(name));
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small', maxDepth: 3 },
        fc.string(),
        fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value')),
        fc.dictionary(key, tie('value'), { noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(
        fc.dictionary(key, value, { noNullPrototype: true, minKeys: 1 }),
        fc.string({ minLength: 1 }),
        (properties, id) => {
          const sent = JSON.parse(
            JSON.stringify({ type: 'ping', id, anonymousId: id, properties: { p: properties } }),
          ) as unknown;
          const event = written(sent);
          expect(event.data.properties).toEqual((sent as { properties: unknown }).properties);
          expect(event.id).toBe(id);
          expect(event.subject).toBe(id);
        },
      ),
    );
  });
});

describe('the time of an event', () => {
  it('is corrected by the difference of the two readings of the client clock', () => {
    const event = written({ type: 'x', occurredAt: '2001-01-01T00:00:00Z', sentAt: '2001-01-01T00:00:05Z' });
    expect(event.time).toBe('2026-11-21T11:59:55.000Z');
    expect(event.data).toMatchObject({ occurredAt: '2001-01-01T00:00:00Z', sentAt: '2001-01-01T00:00:05Z' });
  });

  it('takes the sentAt of the body when the event has none', () => {
    expect(written({ type: 'x', time: '2001-01-01T00:00:00Z' }, '2001-01-01T00:01:00Z').time).toBe(
      '2026-11-21T11:59:00.000Z',
    );
  });

  it('is clamped, and says so, when it lies more than five minutes ahead', () => {
    expect(written({ type: 'x', timestamp: '2026-11-21T12:05:00Z' })).toMatchObject({
      time: '2026-11-21T12:05:00.000Z',
    });
    const ahead = written({ type: 'x', timestamp: '2026-11-21T12:05:00.001Z' });
    expect(ahead).toMatchObject({
      time: receivedAt,
      data: { timeClamped: true, occurredAt: '2026-11-21T12:05:00.001Z' },
    });
    expect(
      written({ type: 'x', occurredAt: '2026-11-21T13:00:00Z', sentAt: '2026-11-21T12:00:00Z' }).data.timeClamped,
    ).toBe(true);
  });

  it('may be a number of milliseconds', () => {
    expect(written({ type: 'x', occurredAt: receivedAtMs - 1 })).toMatchObject({
      time: '2026-11-21T11:59:59.999Z',
      data: { occurredAt: '2026-11-21T11:59:59.999Z' },
    });
  });
});

describe('an event that is not sound is refused by name of the field', () => {
  const long = 'x'.repeat(257);
  const deep = JSON.parse(`${'{"a":'.repeat(10)}1${'}'.repeat(10)}`) as unknown;
  it.each<[unknown, string, string]>([
    ['text', 'not_an_object', ''],
    [null, 'not_an_object', ''],
    [[], 'not_an_object', ''],
    [{}, 'required', '/type'],
    [{ type: 5 }, 'invalid_type', '/type'],
    [{ type: 'a b' }, 'invalid_format', '/type'],
    [{ type: '' }, 'invalid_format', '/type'],
    [{ type: 'x'.repeat(101) }, 'invalid_format', '/type'],
    [{ type: 'x', id: 5 }, 'invalid_type', '/id'],
    [{ type: 'x', id: long }, 'too_long', '/id'],
    [{ type: 'x', userId: {} }, 'invalid_type', '/userId'],
    [{ type: 'x', userId: 2 ** 53 }, 'out_of_range', '/userId'],
    [{ type: 'x', anonymousId: true }, 'invalid_type', '/anonymousId'],
    [{ type: 'x', sessionId: long }, 'too_long', '/sessionId'],
    [{ type: 'x', occurredAt: 'soon' }, 'invalid_format', '/occurredAt'],
    [{ type: 'x', timestamp: 'soon' }, 'invalid_format', '/timestamp'],
    [{ type: 'x', time: [] }, 'invalid_type', '/time'],
    [{ type: 'x', sentAt: {} }, 'invalid_type', '/sentAt'],
    [{ type: 'x', occurredAt: '0000-01-01T00:00:00Z', sentAt: '9999-01-01T00:00:00Z' }, 'out_of_range', '/occurredAt'],
    [{ type: 'x', page: 'p' }, 'invalid_type', '/page'],
    [{ type: 'x', page: { url: 5 } }, 'invalid_type', '/page/url'],
    [{ type: 'x', page: { title: 'x'.repeat(3000) } }, 'too_long', '/page/title'],
    [{ type: 'x', properties: { page_location: 1 } }, 'invalid_type', '/properties/page_location'],
    [{ type: 'x', properties: [] }, 'invalid_type', '/properties'],
    [{ type: 'x', properties: 'p' }, 'invalid_type', '/properties'],
    [{ type: 'x', properties: deep }, 'too_deep', '/properties/a/a/a/a/a'],
    [{ type: 'x', other: deep }, 'too_deep', '/other/a/a/a/a'],
    [{ type: 'x', page: { other: deep } }, 'too_deep', '/page/other/a/a/a/a'],
    [JSON.parse('{"type":"x","value":1e999}'), 'not_finite', '/value'],
    [JSON.parse('{"type":"x","properties":{"v":[1e999]}}'), 'not_finite', '/properties/v/0'],
    [JSON.parse('{"type":"x","__proto__":{"a":1}}'), 'forbidden_key', '/__proto__'],
    [JSON.parse('{"type":"x","properties":{"__proto__":1}}'), 'forbidden_key', '/properties/__proto__'],
    [JSON.parse('{"type":"x","page":{"constructor":1}}'), 'forbidden_key', '/page/constructor'],
    [JSON.parse('{"type":"x","context":{"prototype":1}}'), 'forbidden_key', '/context/prototype'],
    [
      JSON.parse('{"type":"x","context":{"campaign":{"__proto__":"y"}}}'),
      'forbidden_key',
      '/context/campaign/__proto__',
    ],
    [{ type: 'x', context: 1 }, 'invalid_type', '/context'],
    [{ type: 'x', context: { ip: 'nowhere' } }, 'invalid_format', '/context/ip'],
    [{ type: 'x', context: { ip: 5 } }, 'invalid_type', '/context/ip'],
    [{ type: 'x', context: { device: 'toaster' } }, 'invalid_format', '/context/device'],
    [{ type: 'x', context: { country: 'Germany' } }, 'invalid_format', '/context/country'],
    [{ type: 'x', context: { campaign: { source: 5 } } }, 'invalid_type', '/context/campaign/source'],
    [{ type: 'x', context: { campaign: { 'a/b~c': 5 } } }, 'invalid_type', '/context/campaign/a~1b~0c'],
    [
      { type: 'x', context: { campaign: { ['k'.repeat(9999)]: 5 } } },
      'invalid_type',
      `/context/campaign/${'k'.repeat(100)}…`,
    ],
    [{ type: 'purchase' }, 'required', '/properties/transaction_id'],
    [purchase({ transaction_id: null }), 'required', '/properties/transaction_id'],
    [purchase({ transaction_id: [] }), 'invalid_type', '/properties/transaction_id'],
    [purchase({ value: undefined }), 'required', '/properties/value'],
    [purchase({ value: '10' }), 'invalid_type', '/properties/value'],
    [purchase({ currency: undefined }), 'required', '/properties/currency'],
    [purchase({ currency: 'EURO' }), 'invalid_format', '/properties/currency'],
    [{ type: 'refund' }, 'required', '/properties/transaction_id'],
    [{ type: 'refund', properties: { transaction_id: 'T', value: '1' } }, 'invalid_type', '/properties/value'],
    [{ type: 'churn_scored', userId: 'u' }, 'required', '/properties/churnScore'],
    [{ type: 'churn_scored', userId: 'u', churnScore: '1' }, 'invalid_type', '/properties/churnScore'],
    [{ type: 'churn_scored', userId: 'u', churnScore: 1.01 }, 'out_of_range', '/properties/churnScore'],
    [{ type: 'churn_scored', churnScore: 0.5 }, 'required', '/userId'],
  ])('%j', (raw, reason, path) => {
    expect(judge(raw)).toEqual(new Rejection(reason as never, path));
  });

  it('whatever is sent, the judge answers and never throws', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), fc.jsonValue(), (raw, type) => {
        judge(raw);
        judge({ type: 'x', page: raw, context: type });
        judge({ type, properties: raw, context: raw });
      }),
    );
  });
});

describe('as a message of the topic', () => {
  it('an order is known by its transaction, however often and with whatever id it is told', () => {
    expect(messageOf(purchase({}, { id: 'a' })).messageId).toBe('purchase:T1');
    expect(messageOf(purchase({ transaction_id: 77 }, { id: 'b' })).messageId).toBe('purchase:77');
    expect(messageOf({ type: 'refund', transaction_id: 'T1' }).messageId).toBe('refund:T1');
    expect(messageOf({ type: 'refund', transaction_id: 'T1', refund_id: 2 }).messageId).toBe('refund:T1:2');
    expect(messageOf({ type: 'generate_lead', id: 'lead-1' }).messageId).toBe('lead-1');
  });

  it('a key that is too long for Service Bus is hashed, and different keys stay different', () => {
    const [first, second] = ['a', 'b'].map(
      (end) => messageOf(purchase({ transaction_id: 'x'.repeat(200) + end })).messageId,
    );
    expect(first).toMatch(/^purchase:sha256:[0-9a-f]{64}$/);
    expect(first).not.toBe(second);
    expect(messageOf({ type: 'generate_lead', id: 'x'.repeat(129) }).messageId).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it('carries the properties that filters can see', () => {
    expect(
      messageOf(purchase({ currency: 'eur' }, { userId: 'u', context: { country: 'at' } })).applicationProperties,
    ).toEqual({
      type: 'purchase',
      source: 'shop',
      country: 'AT',
      currency: 'EUR',
      value: 10,
      userId: 'u',
    });
    expect(messageOf({ type: 'churn_scored', userId: 'u', churnScore: 0.75 }).applicationProperties).toEqual({
      type: 'churn_scored',
      source: 'shop',
      userId: 'u',
      churnScore: 0.75,
    });
  });

  it('carries the trace of its request', () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const traced = createEnvelope({ source: 'shop', context, receivedAtMs, traceparent });
    const event = normal({ type: 'generate_lead' });
    expect(createTopicMessage(event, '', traced, context).applicationProperties).toMatchObject({ traceparent });
    expect(JSON.parse(serialise(event, traced))).toMatchObject({ traceparent });
  });
});

describe('the JSON text of an event', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
  const page = fc.record({ url: text, path: text, title: text, referrer: text }, { requiredKeys: ['path'] });
  const names = { id: text, anonymousId: text, userId: text, sessionId: text };
  const raws = fc.record({ type: fc.constant('e'), ...names, page }, { requiredKeys: ['type'] });

  it('says what was sent, whatever characters it has', () => {
    fc.assert(
      fc.property(raws, (raw) => {
        const { data, ...event } = written(raw);
        expect(event.id).toBe(raw.id ?? 'made-id');
        expect(event.subject).toBe(raw.userId ?? raw.anonymousId);
        const { anonymousId, userId, sessionId } = raw;
        expect(data).toEqual({
          context,
          receivedAt,
          ...JSON.parse(JSON.stringify({ anonymousId, userId, sessionId, page: raw.page })),
        });
      }),
    );
  });

  it('is the same where it is known beforehand that nothing needs an escape', () => {
    const plain = createEnvelope({ source: 'shop', context, receivedAtMs, isPlain: true });
    const isPlain = (raw: object) => isPlainJson(JSON.stringify(raw));
    fc.assert(
      fc.property(raws.filter(isPlain), (raw) => {
        expect(serialise(normal(raw), plain)).toBe(serialise(normal(raw), envelope));
      }),
    );
  });
});
