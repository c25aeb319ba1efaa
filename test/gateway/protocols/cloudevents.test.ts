import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createGatewayRig, WRITE_KEY } from '../rig.js';
import { readRecorded } from './recorded.js';

const recorded = readRecorded('cloudevents');
const LEAD = {
  id: 'ce-1',
  source: 'shop',
  type: 'generate_lead',
  time: '2026-11-21T11:59:58.123Z',
  subject: 'user-7',
  data: {
    userId: 'user-7',
    properties: { value: 40, currency: 'EUR', form: 'newsletter', ce_source: '/crm/leads', ce_tenant: 'north' },
  },
};
const ORDER = {
  id: 'ce-2',
  type: 'purchase',
  time: '2026-11-21T11:59:00.000Z',
  subject: 'user-7',
  data: {
    anonymousId: 'visitor-1',
    userId: 'user-7',
    page: { url: 'https://shop.example/thanks?x=1', path: '/thanks' },
    properties: { transaction_id: 'T-77', value: 12.5, currency: 'EUR', ce_source: 'https://shop.example/checkout' },
    context: { country: 'DE' },
  },
};

/** Replays recorded requests; gives the answer to the last of them and all events that came of them. */
async function replay(...names: string[]) {
  const rig = await createGatewayRig();
  let response = await rig.app.inject('/livez');
  for (const name of names) response = await rig.app.inject(recorded(name));
  const messages = rig.brokers.state.messages.map(({ body }) => JSON.parse(body) as { data: { properties: object } });
  return { response, events: rig.brokers.hubEvents(), messages };
}

describe('CloudEvents at POST /v1/events', () => {
  it('binary and structured mode are the same event, with a result as native events have', async () => {
    const binary = await replay('binary');
    const structured = await replay('structured');
    for (const { response, messages } of [binary, structured]) {
      expect(response.json()).toEqual({ results: [{ id: 'ce-1', outcome: 'accepted', durability: 'broker' }] });
      expect(messages).toMatchObject([LEAD]);
    }
    // A header is text; JSON keeps the type.
    expect(binary.messages[0]?.data.properties).toMatchObject({ ce_retrycount: '2' });
    expect(structured.messages[0]?.data.properties).toMatchObject({ ce_retrycount: 2 });
  });

  it('data in the form that Penstock writes is read back into the same fields', async () => {
    const { messages } = await replay('order in the form of Penstock');
    expect(messages).toMatchObject([ORDER]);
    expect(messages[0]?.data.properties).toEqual(ORDER.data.properties);
  });

  it('a batch has a result for each event, in order', async () => {
    const { response, messages } = await replay('batch');
    expect(response.json<{ results: object[] }>().results).toMatchObject([{ id: 'ce-1' }, { id: 'ce-2' }]);
    expect(messages).toMatchObject([LEAD, ORDER]);
  });

  it('data that is no object is kept: text as it is, bytes in base64', async () => {
    const { events } = await replay('text', 'bytes', 'structured bytes');
    const picture = { data_base64: 'iVBORw==', ce_source: '/cam', ce_datacontenttype: 'image/png' };
    expect(Object.fromEntries(events.map(({ id, data }) => [id, data.properties]))).toEqual({
      'ce-3': { data: 'disk is full', ce_source: '/log', ce_datacontenttype: 'text/plain' },
      'ce-4': picture,
      'ce-5': picture,
    });
  });

  const post = async (body: unknown, headers: Record<string, string> = {}) => {
    const rig = await createGatewayRig();
    const response = await rig.post(body as object, { 'content-type': 'application/cloudevents+json', ...headers });
    const sent = [...rig.brokers.hubEvents(), ...rig.brokers.state.messages];
    return { status: response.statusCode, answer: response.json<Record<string, unknown>>(), sent, rig };
  };
  const event = { specversion: '1.0', id: 'a', source: '/s', type: 'click' };

  it.each([
    [{ ...event, specversion: '0.3' }, 'invalid_format', '/specversion'],
    [{ ...event, specversion: undefined }, 'required', '/specversion'],
    [{ ...event, id: '' }, 'required', '/id'],
    [{ ...event, source: undefined }, 'required', '/source'],
    [{ ...event, type: 5 }, 'invalid_type', '/type'],
    [{ ...event, type: 'a b' }, 'invalid_format', '/type'],
    [{ ...event, time: 'yesterday' }, 'invalid_format', '/time'],
    [{ ...event, data_base64: 5 }, 'invalid_type', '/data_base64'],
    [{ ...event, data: { a: 1 }, data_base64: 'AA==' }, 'invalid_format', '/data_base64'],
    [
      '{"specversion":"1.0","id":"a","source":"s","type":"t","data":{"__proto__":1}}',
      'forbidden_key',
      '/properties/__proto__',
    ],
    ['5', 'not_an_object', ''],
  ])('what is not one is rejected with the field: %j', async (body, reason, path) => {
    const { status, answer, sent } = await post(body);
    expect([status, sent]).toEqual([200, []]);
    expect(answer).toMatchObject({ results: [{ outcome: 'rejected', reason, path }] });
  });

  it('one bad event never costs its batch, and is told of by its id', async () => {
    const { answer } = await post([{ ...event, id: 'b', source: undefined }, event], {
      'content-type': 'Application/CloudEvents-Batch+JSON; charset=UTF-8',
    });
    expect(answer).toMatchObject({
      results: [
        { id: 'b', outcome: 'rejected' },
        { id: 'a', outcome: 'accepted' },
      ],
    });
  });

  it('a body that cannot be read is refused whole', async () => {
    const batch = { 'content-type': 'application/cloudevents-batch+json' };
    expect((await post('{}', batch)).answer).toMatchObject({ code: 'PS_BODY_NOT_EVENTS' });
    expect((await post('[', batch)).answer).toMatchObject({ code: 'PS_BODY_NOT_JSON' });
    expect((await post('{', {})).answer).toMatchObject({ code: 'PS_BODY_NOT_JSON' });
    expect((await post('<a/>', { 'content-type': 'application/cloudevents+xml' })).answer).toMatchObject({
      code: 'PS_BODY_NOT_EVENTS',
    });
  });

  it('a batch has the bound of any request', async () => {
    const rig = await createGatewayRig({ limits: { eventsPerRequest: 2 } });
    const response = await rig.post([event, event, event], { 'content-type': 'application/cloudevents-batch+json' });
    expect(response.json()).toMatchObject({ status: 413, code: 'PS_TOO_MANY_EVENTS' });
  });

  it('bodies may be compressed, headers percent-encoded, and fields of the data never overrule the attributes', async () => {
    const rig = await createGatewayRig();
    const response = await rig.app.inject({
      method: 'POST',
      url: '/v1/events',
      headers: {
        'x-write-key': WRITE_KEY,
        'content-encoding': 'gzip',
        'content-type': 'application/json',
        'ce-specversion': '1.0',
        'ce-id': 'b',
        'ce-type': 'click',
        'ce-source': '/s',
        'ce-subject': 'Euro%20%E2%82%AC',
        'ce-odd': '100%',
      },
      payload: gzipSync(JSON.stringify({ id: 'theirs', type: 'order', source: 5, page: 'home', context: 'x' })),
    });
    expect(response.statusCode).toBe(200);
    expect(rig.brokers.hubEvents()).toMatchObject([
      {
        id: 'b',
        type: 'click',
        subject: 'Euro €',
        data: {
          properties: {
            id: 'theirs',
            type: 'order',
            source: 5,
            page: 'home',
            context: 'x',
            ce_source: '/s',
            ce_odd: '100%',
          },
        },
      },
    ]);
  });

  it.each(['specversion', 'id', 'source', 'type'])('ce- headers without %s are no native event', async (missing) => {
    const rig = await createGatewayRig();
    const headers = Object.entries({ 'ce-specversion': '1.0', 'ce-id': 'a', 'ce-source': '/s', 'ce-type': 'click' });
    const others = Object.fromEntries(headers.filter(([name]) => name !== `ce-${missing}`));
    const response = await rig.post({ id: 'n', type: 'page_view' }, others);
    expect(response.json()).toMatchObject({
      results: [{ outcome: 'rejected', reason: 'required', path: `/${missing}` }],
    });
    expect(rig.brokers.hubEvents()).toEqual([]);
  });

  it.each(['application/json', 'application/vnd.shop+json; charset=utf-8'])(
    'that data is JSON needs no property: %s',
    async (datacontenttype) => {
      const { sent } = await post({ ...event, datacontenttype, data: { a: 1 } });
      expect(sent).toMatchObject([{ id: 'a', data: { properties: { a: 1, ce_source: '/s' } } }]);
      expect(JSON.stringify(sent)).not.toContain('datacontenttype');
    },
  );

  it('headers that are quoted strings are read as what they quote, once', async () => {
    const { messages } = await replay('quoted headers');
    expect(messages).toMatchObject([
      { id: 'ce-9', subject: 'user "7" 100%', data: { properties: { ce_source: '/crm leads' } } },
    ]);
  });
});
