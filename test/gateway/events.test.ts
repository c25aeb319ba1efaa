import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { partitionForKey } from '../../src/shared/partition-hash.js';
import { createGatewayRig, WRITE_KEY } from './rig.js';
import { RECORDED_ZSTD, rawZstd, zstdBomb } from './zstd-frames.js';

const view = (id: string, more: object = {}) => ({ type: 'page_view', id, anonymousId: 'v', ...more });
const accepted = (id: string) => ({ id, outcome: 'accepted', durability: 'broker' });
const lines = (...values: unknown[]) => values.map((value) => JSON.stringify(value)).join('\n');

describe('POST /v1/events takes', () => {
  it.each<[string, string | Buffer, Record<string, string>, number]>([
    ['one event', JSON.stringify(view('a')), {}, 1],
    ['an array', JSON.stringify([view('a'), view('b')]), {}, 2],
    ['an empty array', '[]', {}, 0],
    ['{events}', JSON.stringify({ events: [view('a'), view('b')] }), {}, 2],
    ['NDJSON', lines(view('a'), view('b')), { 'content-type': 'application/x-ndjson' }, 2],
    [
      'NDJSON with blank lines and CRLF',
      `\r\n${lines(view('a'))}\r\n\r\n${lines(view('b'))}\r\n`,
      { 'content-type': 'application/x-ndjson' },
      2,
    ],
    ['NDJSON that says it is JSON', lines(view('a'), view('b')), {}, 2],
    [
      'JSON that says it is text, as beacons do',
      JSON.stringify(view('a')),
      { 'content-type': 'text/plain;charset=UTF-8' },
      1,
    ],
    [
      'JSON that says it is a form',
      JSON.stringify(view('a')),
      { 'content-type': 'application/x-www-form-urlencoded' },
      1,
    ],
    ['JSON under nonsense', JSON.stringify(view('a')), { 'content-type': 'nonsense' }, 1],
    ['JSON with a byte order mark', `\ufeff${JSON.stringify(view('a'))}`, {}, 1],
    ['gzip', gzipSync(JSON.stringify(view('a'))), { 'content-encoding': 'gzip' }, 1],
    ['gzip that does not say so', gzipSync(JSON.stringify(view('a'))), {}, 1],
    ['deflate', deflateSync(JSON.stringify(view('a'))), { 'content-encoding': 'deflate' }, 1],
    ['raw deflate', deflateRawSync(JSON.stringify(view('a'))), { 'content-encoding': 'deflate' }, 1],
    ['brotli', brotliCompressSync(JSON.stringify(view('a'))), { 'content-encoding': 'br' }, 1],
    ['zstd', rawZstd(JSON.stringify(view('a'))), { 'content-encoding': 'zstd' }, 1],
    ['zstd that does not tell its size', rawZstd(JSON.stringify(view('a')), false), { 'content-encoding': 'ZSTD' }, 1],
  ])('%s', async (_name, body, headers, count) => {
    const rig = await createGatewayRig();
    const results = await rig.results(body, headers);
    expect(results).toEqual(['a', 'b'].slice(0, count).map(accepted));
    expect(rig.brokers.hubEvents().map((event) => event.id)).toEqual(['a', 'b'].slice(0, count));
  });

  it('what the reference implementation of zstd has compressed', async () => {
    for (const body of RECORDED_ZSTD) {
      // The same events in each: a gateway that has not seen them.
      const rig = await createGatewayRig();
      const results = await rig.results(body, { 'content-encoding': 'zstd' });
      expect(results).toEqual(Array.from({ length: 20 }, (_, index) => accepted(`e${index}`)));
    }
  });

  it('sentAt beside events', async () => {
    const rig = await createGatewayRig();
    const events = [view('a', { occurredAt: '2001-01-01T00:00:00Z' })];
    await rig.results({ sentAt: '2001-01-01T00:00:10Z', events });
    expect(rig.brokers.hubEvents()[0]?.time).toBe('2026-11-21T11:59:50.000Z');
  });

  it('what the request says of the client: truncated address, device, trace', async () => {
    const rig = await createGatewayRig();
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    await rig.results(view('a'), {
      'user-agent': 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile',
      'x-forwarded-for': '6.6.6.6, 203.0.113.9',
      traceparent,
    });
    const [event] = rig.brokers.hubEvents();
    expect(event).toMatchObject({
      source: 'shop',
      traceparent,
      data: { context: { ip: '203.0.113.0', device: 'mobile' } },
    });
    await rig.results(view('b'), { traceparent: 'nonsense', tracestate: 'a=b' });
    expect(rig.brokers.hubEvents()[1]).not.toHaveProperty('traceparent');
    expect(rig.brokers.hubEvents()[1]).not.toHaveProperty('tracestate');
  });
});

describe('where events go', () => {
  it("orders become messages of the topic, clicks go to their visitor's partition", async () => {
    const rig = await createGatewayRig();
    const purchase = { type: 'purchase', id: 'p', transaction_id: 'T1', value: 5, currency: 'EUR' };
    const visitors = ['v1', 'v2', 'v3', 'v4', 'v5'];
    await rig.results([
      purchase,
      ...visitors.map((anonymousId) => ({ type: 'page_view', id: anonymousId, anonymousId })),
    ]);
    expect(rig.brokers.state.messages.map((message) => message.messageId)).toEqual(['purchase:T1']);
    for (const visitor of visitors) {
      const ids = rig.brokers.state.partitions[partitionForKey(visitor, 4)]?.map((event) => event.id);
      expect(ids).toContain(visitor);
    }
  });

  it('without a visitor the user decides, and without a user the event itself', async () => {
    const rig = await createGatewayRig();
    await rig.results([
      { type: 'x', id: '1', userId: 'u' },
      { type: 'x', id: '2' },
    ]);
    expect(rig.brokers.state.partitions[partitionForKey('u', 4)]?.map((event) => event.id)).toContain('1');
    expect(rig.brokers.state.partitions[partitionForKey('2', 4)]?.map((event) => event.id)).toContain('2');
  });
});

describe('each event has an outcome of its own, in the order sent', () => {
  it('a bad event never costs the others', async () => {
    const rig = await createGatewayRig();
    const body = `[${JSON.stringify(view('a'))},{"type":"x","id":"b","properties":{"__proto__":1}},7,{"id":"c"},{"type":"x","id":"d","v":1e999},${JSON.stringify(view('e'))}]`;
    expect(await rig.results(body)).toEqual([
      accepted('a'),
      { id: 'b', outcome: 'rejected', reason: 'forbidden_key', path: '/properties/__proto__' },
      { id: null, outcome: 'rejected', reason: 'not_an_object', path: '' },
      { id: 'c', outcome: 'rejected', reason: 'required', path: '/type' },
      { id: 'd', outcome: 'rejected', reason: 'not_finite', path: '/v' },
      accepted('e'),
    ]);
    expect(rig.brokers.hubEvents().map((event) => event.id)).toEqual(['a', 'e']);
  });

  it('a line of NDJSON that is no JSON, or no UTF-8, is rejected alone', async () => {
    const body = Buffer.concat([
      Buffer.from(`${lines(view('a'))}\n{"type":\n`),
      Buffer.from([0x22, 0xff, 0x22, 0x0a]),
      Buffer.from(lines(view('b'))),
    ]);
    const expected = [
      accepted('a'),
      { id: null, outcome: 'rejected', reason: 'invalid_json', path: '' },
      { id: null, outcome: 'rejected', reason: 'invalid_utf8', path: '' },
      accepted('b'),
    ];
    const said = await createGatewayRig();
    expect(await said.results(body, { 'content-type': 'application/x-ndjson' })).toEqual(expected);
    const unsaid = await createGatewayRig();
    expect(await unsaid.results(body)).toEqual(expected);
  });

  it('an id that comes twice in one body is a duplicate, and so is an order', async () => {
    const rig = await createGatewayRig();
    const purchase = (id: string) => ({ type: 'purchase', id, transaction_id: 'T1', value: 5, currency: 'EUR' });
    expect(await rig.results([view('a'), view('a'), purchase('p'), purchase('q')])).toEqual([
      accepted('a'),
      { id: 'a', outcome: 'duplicate' },
      accepted('p'),
      { id: 'q', outcome: 'duplicate' },
    ]);
    expect(rig.brokers.hubEvents()).toHaveLength(1);
    expect(rig.brokers.state.messages).toHaveLength(1);
  });

  it('an id of a bad event is free for a good one', async () => {
    const rig = await createGatewayRig();
    const results = await rig.results([{ type: 5, id: 'a' }, view('a')]);
    expect(results.map((result) => result.outcome)).toEqual(['rejected', 'accepted']);
  });

  it('an event that was refused for its size makes no duplicate of the next one with its id or order', async () => {
    const rig = await createGatewayRig({ limits: { eventBytes: 2_000 } });
    const note = 'x'.repeat(2_000);
    const purchase = { type: 'purchase', transaction_id: 'T1', value: 5, currency: 'EUR' };
    const results = await rig.results([
      view('a', { properties: { note } }),
      view('a'),
      { ...purchase, id: 'p', note },
      { ...purchase, id: 'q' },
    ]);
    expect(results.map((result) => result.outcome)).toEqual(['rejected', 'accepted', 'rejected', 'accepted']);
  });

  it('without an id an event is given one, and told it', async () => {
    const rig = await createGatewayRig();
    const [result] = await rig.results({ type: 'x' });
    expect(result?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(rig.brokers.hubEvents()[0]?.id).toBe(result?.id);
  });

  it('of duplicate keys the last counts', async () => {
    const rig = await createGatewayRig();
    await rig.results('{"type":"x","id":"one","id":"two"}');
    expect(rig.brokers.hubEvents()[0]?.id).toBe('two');
  });

  it('half a surrogate pair becomes the replacement character', async () => {
    const rig = await createGatewayRig();
    await rig.results('{"type":"x","id":"a","page":{"url":"/","title":"cut \\ud83d"}}');
    expect(rig.brokers.hubEvents()[0]?.data.page?.title).toBe('cut \ufffd');
  });

  it('an event over the limit is rejected', async () => {
    const rig = await createGatewayRig({ limits: { eventBytes: 1000 } });
    expect(await rig.results([view('a'), view('b', { blob: 'x'.repeat(1000) })])).toEqual([
      accepted('a'),
      { id: 'b', outcome: 'rejected', reason: 'too_large', path: '' },
    ]);
  });

  it('a message that the topic does not take for its size is rejected, and not to be retried', async () => {
    const rig = await createGatewayRig({ brokers: { maxMessageBytes: 2000 } });
    const lead = (id: string, length: number) => ({ type: 'generate_lead', id, blob: 'x'.repeat(length) });
    expect(await rig.results([lead('a', 1), lead('b', 3000), lead('c', 1)])).toEqual([
      accepted('a'),
      { id: 'b', outcome: 'rejected', reason: 'too_large' },
      accepted('c'),
    ]);
  });
});

describe('a body that is refused as a whole is a problem', () => {
  const bomb = gzipSync(Buffer.alloc(8 * 1024 * 1024, 0x20));
  it.each<[string, string | Buffer, Record<string, string>, number, string]>([
    ['nothing', '', {}, 400, 'PS_BODY_EMPTY'],
    ['no JSON', '{"type":', {}, 400, 'PS_BODY_NOT_JSON'],
    ['lines that are no JSON', 'a\nb', {}, 400, 'PS_BODY_NOT_JSON'],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), {}, 400, 'PS_BODY_NOT_UTF8'],
    ['text', '"text"', {}, 400, 'PS_BODY_NOT_EVENTS'],
    ['null', 'null', {}, 400, 'PS_BODY_NOT_EVENTS'],
    ['a number', '7', {}, 400, 'PS_BODY_NOT_EVENTS'],
    ['broken gzip', Buffer.from([0x1f, 0x8b, 0, 0]), { 'content-encoding': 'gzip' }, 400, 'PS_BODY_ENCODING_BROKEN'],
    ['an unknown encoding', 'x', { 'content-encoding': 'compress' }, 415, 'PS_ENCODING_UNSUPPORTED'],
    [
      'an encoding in an encoding',
      gzipSync(gzipSync('{}')),
      { 'content-encoding': 'gzip, gzip' },
      415,
      'PS_ENCODING_UNSUPPORTED',
    ],
    ['broken zstd', Buffer.from('28b52ffd00', 'hex'), { 'content-encoding': 'zstd' }, 400, 'PS_BODY_ENCODING_BROKEN'],
    ['no zstd', '{}', { 'content-encoding': 'zstd' }, 400, 'PS_BODY_ENCODING_BROKEN'],
    ['a zstd bomb', zstdBomb(5 * 1024 * 1024), { 'content-encoding': 'zstd' }, 413, 'PS_BODY_TOO_LARGE'],
    [
      'a zstd bomb that does not tell its size',
      zstdBomb(5 * 1024 * 1024, false),
      { 'content-encoding': 'zstd' },
      400,
      'PS_BODY_ENCODING_BROKEN',
    ],
    [
      'too many bytes of brotli once decompressed',
      brotliCompressSync(Buffer.alloc(8 * 1024 * 1024, 0x20)),
      { 'content-encoding': 'br' },
      413,
      'PS_BODY_TOO_LARGE',
    ],
    ['a prototype as encoding', 'x', { 'content-encoding': 'constructor' }, 415, 'PS_ENCODING_UNSUPPORTED'],
    ['too many bytes', ' '.repeat(5 * 1024 * 1024), {}, 413, 'PS_BODY_TOO_LARGE'],
    ['too many bytes once decompressed', bomb, { 'content-encoding': 'gzip' }, 413, 'PS_BODY_TOO_LARGE'],
    [
      '100,000 events',
      JSON.stringify(Array.from({ length: 100_000 }, () => ({ type: 'x' }))),
      {},
      413,
      'PS_TOO_MANY_EVENTS',
    ],
    [
      '100,000 lines',
      '{"type":"x"}\n'.repeat(100_000),
      { 'content-type': 'application/x-ndjson' },
      413,
      'PS_TOO_MANY_EVENTS',
    ],
    ['no key', '{}', { authorization: '' }, 401, 'PS_WRITE_KEY_MISSING'],
    ['an unknown key', '{}', { authorization: 'Bearer another-key' }, 401, 'PS_WRITE_KEY_UNKNOWN'],
    [
      'an unknown key, whatever the size of the body',
      'x'.repeat(5_000_000),
      { authorization: 'Bearer no' },
      401,
      'PS_WRITE_KEY_UNKNOWN',
    ],
    ['a key beyond all measure', '{}', { authorization: `Bearer ${'x'.repeat(5000)}` }, 401, 'PS_WRITE_KEY_UNKNOWN'],
  ])('%s', async (_name, body, headers, status, code) => {
    const rig = await createGatewayRig();
    const response = await rig.post(body, headers);
    expect(response.headers['content-type']).toContain('application/problem+json');
    expect(response.json()).toEqual({
      type: expect.stringMatching(/^urn:penstock:problem:[a-z0-9-]+$/) as string,
      title: expect.any(String) as string,
      status,
      detail: expect.any(String) as string,
      code,
    });
    expect(response.statusCode).toBe(status);
    // The process lives, and nothing of it was taken.
    expect(rig.brokers.hubEvents()).toEqual([]);
    expect(await rig.results(view('after'))).toEqual([accepted('after')]);
  });

  it('a bomb of nesting is refused and does no harm', async () => {
    const rig = await createGatewayRig();
    const deep = `${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`;
    expect(
      await rig.results(`[${deep},{"type":"x","id":"p","properties":${deep}},${JSON.stringify(view('a'))}]`),
    ).toEqual([
      { id: null, outcome: 'rejected', reason: 'required', path: '/type' },
      { id: 'p', outcome: 'rejected', reason: 'too_deep', path: `/properties${'/a'.repeat(15)}` },
      accepted('a'),
    ]);
    expect((await rig.post('['.repeat(1_000_000))).statusCode).toBe(400);
    expect(await rig.results('['.repeat(500_000) + ']'.repeat(500_000))).toMatchObject([{ reason: 'not_an_object' }]);
  });
});

describe('a write key may come', () => {
  const body = JSON.stringify(view('a'));
  it.each<[string, string, Record<string, string>]>([
    ['as a bearer token', '', { authorization: `Bearer ${WRITE_KEY}` }],
    ['in a header of its own', '', { 'x-write-key': WRITE_KEY }],
    [
      'as the user of Basic authorization',
      '',
      { authorization: `Basic ${Buffer.from(`${WRITE_KEY}:`).toString('base64')}` },
    ],
    ['in the query', `?writeKey=${WRITE_KEY}`, {}],
  ])('%s', async (_name, query, headers) => {
    const rig = await createGatewayRig();
    const response = await rig.app.inject({ method: 'POST', url: `/v1/events${query}`, headers, payload: body });
    expect(response.statusCode).toBe(200);
  });
});
