import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../../src/gateway/pipeline/parse.js';
import { Problem } from '../../../src/gateway/problem.js';
import {
  type EventsRoute,
  jsonReply,
  PIXEL,
  type Protocol,
  pixelReply,
} from '../../../src/gateway/protocols/protocol.js';
import { createGatewayRig, WRITE_KEY } from '../rig.js';

/** `{"key":…,"list":[…]}`: native events, so that only the way there is foreign. */
const post: EventsRoute = {
  method: 'POST',
  paths: ['/their/events', '/their/:kind'],
  map: (_request, body) => {
    const parsed = parseJson(body);
    if (parsed instanceof Problem) return parsed;
    const { key, list } = parsed.value as { key?: string; list: unknown[] };
    return { items: list, writeKey: key };
  },
  answer: (results, { route, params }) =>
    jsonReply({ route, ...params, results: results.map(({ outcome }) => outcome) }),
};
const theirs: Protocol = {
  name: 'theirs',
  withCredentials: true,
  routes: [
    post,
    {
      ...post,
      paths: ['/their/own/words'],
      refuse: (problem) => jsonReply({ theirCode: problem.code }, problem.retryAfterSeconds === undefined ? 400 : 429),
    },
    {
      method: 'GET',
      paths: ['/their/pixel'],
      map: ({ query }) => ({ items: [{ type: query['t'] }], writeKey: String(query['k']) }),
      answer: pixelReply,
    },
    { method: 'GET', paths: ['/their/settings/:key'], page: ({ params }) => jsonReply(params) },
  ],
};

const click = { type: 'click', id: 'a', anonymousId: 'v' };
const lead = { type: 'generate_lead', id: 'l' };

async function createRig(options: Parameters<typeof createGatewayRig>[0] = {}) {
  const rig = await createGatewayRig({ ...options, protocols: [theirs] });
  const send = (body: unknown, url = '/their/events', headers: Record<string, string> = {}) =>
    rig.app.inject({
      method: 'POST',
      url,
      headers: { 'content-type': 'text/plain', ...headers },
      payload: Buffer.isBuffer(body) ? body : JSON.stringify(body),
    });
  return { ...rig, send };
}

describe('a foreign protocol', () => {
  it('has its requests mapped, and is answered in its own words', async () => {
    const rig = await createRig();
    const response = await rig.send({ key: WRITE_KEY, list: [click, click, { type: 5 }] }, '/their/events');
    expect([response.statusCode, response.json()]).toEqual([
      200,
      { route: '/their/events', results: ['accepted', 'duplicate', 'rejected'] },
    ]);
    expect((await rig.send({ key: WRITE_KEY, list: [] }, '/their/kind-of')).json()).toMatchObject({ kind: 'kind-of' });
    expect(rig.brokers.hubEvents()).toMatchObject([{ id: 'a', source: 'shop', type: 'click' }]);
  });

  it('takes the key of headers and query before its own, and judges it before the body', async () => {
    const rig = await createRig();
    const good = { list: [click], key: 'of nobody' };
    expect((await rig.send(good, '/their/events', { 'x-write-key': WRITE_KEY })).statusCode).toBe(200);
    expect((await rig.send(good, `/their/events?writeKey=${WRITE_KEY}`)).statusCode).toBe(200);
    expect((await rig.send(good)).json()).toMatchObject({ code: 'PS_WRITE_KEY_UNKNOWN' });
    expect((await rig.send({ list: [click] })).json()).toMatchObject({ code: 'PS_WRITE_KEY_MISSING' });
    expect((await rig.send('not read', '/their/events', { authorization: 'Bearer no' })).json()).toMatchObject({
      code: 'PS_WRITE_KEY_UNKNOWN',
    });
  });

  it('may send compressed bodies, within the limits of all others', async () => {
    const rig = await createRig({ limits: { eventsPerRequest: 2, bodyBytes: 500, decompressedBytes: 500 } });
    const body = (count: number) => gzipSync(JSON.stringify({ key: WRITE_KEY, list: Array(count).fill(click) }));
    expect((await rig.send(body(2))).statusCode).toBe(200);
    expect((await rig.send(body(3))).json()).toMatchObject({ code: 'PS_TOO_MANY_EVENTS' });
    expect((await rig.send(body(50))).json()).toMatchObject({ code: 'PS_BODY_TOO_LARGE' });
    expect((await rig.send(Buffer.alloc(501))).json()).toMatchObject({ code: 'PS_BODY_TOO_LARGE' });
    expect((await rig.send('x', '/their/events', { 'content-encoding': 'lzma' })).json()).toMatchObject({
      code: 'PS_ENCODING_UNSUPPORTED',
    });
  });

  it('is asked to send all of it again when some of it could not be kept, and then nothing is doubled', async () => {
    const rig = await createRig();
    const request = { key: WRITE_KEY, list: [click, lead] };
    rig.brokers.state.topicFailure = 'PS_PUBLISH_UNAVAILABLE';
    for (const [url, status, answer] of [
      ['/their/events', 503, { code: 'PS_BROKER_UNAVAILABLE' }],
      ['/their/own/words', 429, { theirCode: 'PS_BROKER_UNAVAILABLE' }],
    ] as const) {
      const response = await rig.send(request, url);
      expect([response.statusCode, response.json()]).toEqual([status, expect.objectContaining(answer)]);
      expect(Number(response.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    }
    rig.brokers.state.topicFailure = undefined;
    await rig.passTime(5000);
    expect((await rig.send(request)).statusCode).toBe(200);
    expect(rig.brokers.state.messages).toMatchObject([{ messageId: 'l' }]);
    expect(new Set(rig.brokers.hubEvents().map(({ id }) => id))).toEqual(new Set(['a']));
  });

  it('is told what is wrong with a request in its own words too', async () => {
    const rig = await createRig();
    const response = await rig.send(Buffer.from('{'), '/their/own/words', { 'x-write-key': WRITE_KEY });
    expect([response.statusCode, response.json()]).toEqual([400, { theirCode: 'PS_BODY_NOT_JSON' }]);
    const stranger = await rig.send({}, '/their/own/words', { 'x-write-key': 'of nobody' });
    expect([stranger.statusCode, stranger.json()]).toEqual([400, { theirCode: 'PS_WRITE_KEY_UNKNOWN' }]);
  });

  it('may have pixels, which no HEAD counts, and pages that its library asks for', async () => {
    const rig = await createRig();
    const url = `/their/pixel?t=click&k=${WRITE_KEY}`;
    expect((await rig.app.inject({ method: 'HEAD', url })).statusCode).toBe(405);
    const response = await rig.app.inject(url);
    expect([response.headers['content-type'], response.rawPayload]).toEqual(['image/gif', PIXEL]);
    expect(rig.brokers.hubEvents()).toHaveLength(1);
    expect((await rig.app.inject('/their/settings/k1')).json()).toEqual({ key: 'k1' });
  });

  it('other methods are 405, and its browser library may send with credentials', async () => {
    const rig = await createRig();
    expect((await rig.app.inject('/their/events')).headers.allow).toBe('POST, OPTIONS');
    const preflight = (url: string) =>
      rig.app.inject({
        method: 'OPTIONS',
        url,
        headers: { origin: 'https://shop.example', 'access-control-request-method': 'POST' },
      });
    expect((await preflight('/their/events?x=1')).headers['access-control-allow-credentials']).toBe('true');
    expect((await preflight('/v1/events')).headers['access-control-allow-credentials']).toBeUndefined();
  });
});
