import { describe, expect, it } from 'vitest';
import { createGateway } from '../../src/gateway/index.js';
import { configSchema } from '../../src/shared/config/index.js';
import { createLogger } from '../../src/shared/logger.js';
import { createManualClock } from '../helpers/manual-clock.js';
import { createMemoryBrokers } from './memory-brokers.js';
import { createGatewayRig, WRITE_KEY } from './rig.js';
import { createMemoryDisk } from './spool/memory-store.js';

const event = { type: 'page_view', id: 'a', anonymousId: 'v' };
const lead = { type: 'generate_lead', id: 'l' };

describe('when a broker is away', () => {
  it('nothing is claimed: 503 with Retry-After, and the same request succeeds later', async () => {
    const rig = await createGatewayRig();
    rig.brokers.state.hubFailure = 'PS_PUBLISH_UNAVAILABLE';
    for (let attempt = 0; attempt < 2; attempt++) {
      const response = await rig.post(event);
      expect(response.statusCode).toBe(503);
      expect(response.json()).toMatchObject({ status: 503, code: 'PS_BROKER_UNAVAILABLE' });
      expect(Number(response.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    }
    rig.brokers.state.hubFailure = undefined;
    await rig.passTime(5000);
    expect((await rig.app.inject('/readyz')).statusCode).toBe(200);
    expect(await rig.results(event)).toMatchObject([{ outcome: 'accepted' }]);
  });

  it('clicks do not wait for the topic, nor orders for the hub', async () => {
    const rig = await createGatewayRig();
    rig.brokers.state.topicFailure = 'PS_PUBLISH_UNAVAILABLE';
    expect(await rig.results(event)).toMatchObject([{ outcome: 'accepted' }]);
    expect((await rig.post(lead)).statusCode).toBe(503);
    rig.brokers.state.topicFailure = undefined;
    rig.brokers.state.hubFailure = 'PS_PUBLISH_UNAVAILABLE';
    await rig.passTime(5000);
    expect(await rig.results(lead)).toMatchObject([{ outcome: 'accepted' }]);
    expect((await rig.post({ ...event, id: 'another' })).statusCode).toBe(503);
  });

  it('what was accepted is told from what is to be sent again, and a twin shares the fate of its first', async () => {
    const rig = await createGatewayRig();
    rig.brokers.state.topicFailure = 'PS_PUBLISH_UNAVAILABLE';
    const response = await rig.post([event, lead, { type: 5, id: 'bad' }, lead]);
    expect(response.statusCode).toBe(200);
    expect(response.headers['retry-after']).toBeDefined();
    expect(response.json()).toEqual({
      results: [
        { id: 'a', outcome: 'accepted', durability: 'broker' },
        { id: 'l', outcome: 'rejected', reason: 'unavailable', retryable: true },
        { id: 'bad', outcome: 'rejected', reason: 'invalid_type', path: '/type' },
        { id: 'l', outcome: 'rejected', reason: 'unavailable', retryable: true },
      ],
    });
  });

  it('a broker that does not answer in time is another problem: the outcome is unknown', async () => {
    const rig = await createGatewayRig();
    rig.brokers.state.hubFailure = 'PS_PUBLISH_TIMEOUT';
    expect((await rig.post(event)).json()).toMatchObject({ status: 503, code: 'PS_BROKER_TIMEOUT' });
  });

  it('at the start a hub that was seen once is known by its partitions, and its events go to disk', async () => {
    const disk = createMemoryDisk();
    const strange = await createGatewayRig({ openSpoolStore: disk.open, down: true });
    expect((await strange.post({ type: 'page_view' })).statusCode).toBe(503);
    await strange.gateway.stop({ deadlineMs: 1_000 });
    const before = await createGatewayRig({ openSpoolStore: disk.open });
    await before.gateway.stop({ deadlineMs: 1_000 });
    const rig = await createGatewayRig({ openSpoolStore: disk.open, down: true });
    expect(await rig.results({ type: 'page_view' })).toMatchObject([{ outcome: 'accepted', durability: 'spool' }]);
  });

  it('at the start the gateway runs, is not ready, and comes up by itself', async () => {
    const rig = await createGatewayRig({ down: true });
    const ready = await rig.app.inject('/readyz');
    expect(ready.statusCode).toBe(503);
    expect(ready.json()).toMatchObject({
      status: 'unavailable',
      sinks: {
        'hub:clicks': { state: 'down', lastError: 'as the test says' },
        'topic:events': { state: 'down', lastError: 'as the test says' },
      },
    });
    expect((await rig.post(event)).statusCode).toBe(503);
    rig.brokers.state.hubFailure = undefined;
    rig.brokers.state.topicFailure = undefined;
    await rig.passTime(5000);
    expect((await rig.app.inject('/readyz')).json()).toMatchObject({
      status: 'ready',
      sinks: { 'hub:clicks': { state: 'up' } },
    });
    expect((await rig.post(event)).statusCode).toBe(200);
  });

  it('/readyz notices a lost connection without any event being sent', async () => {
    const rig = await createGatewayRig();
    rig.brokers.state.hubFailure = 'PS_PUBLISH_UNAVAILABLE';
    for (const lose of rig.brokers.state.onLost) lose();
    await rig.passTime(0);
    expect((await rig.app.inject('/readyz')).json()).toMatchObject({
      status: 'unavailable',
      sinks: { 'hub:clicks': { state: 'down' }, 'topic:events': { state: 'up' } },
    });
  });

  it('/livez says that the process lives, whatever the brokers do', async () => {
    const rig = await createGatewayRig({ down: true });
    expect((await rig.app.inject('/livez')).json()).toEqual({ status: 'alive' });
  });
});

describe('when too much waits', () => {
  it('the answer is 429 with Retry-After, and nothing is claimed', async () => {
    const rig = await createGatewayRig({ limits: { pendingBytes: 1 } });
    const [first, second] = await Promise.all([rig.post(event), rig.post({ ...event, id: 'b' })]);
    expect([first.statusCode, second.statusCode].sort()).toEqual([200, 429]);
    const refused = first.statusCode === 429 ? first : second;
    expect(refused.json()).toMatchObject({ code: 'PS_OVERLOADED' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(rig.brokers.hubEvents()).toHaveLength(1);
  });

  const limit = 20_000;
  const utf8Bytes = (json: string) => Buffer.byteLength(json);
  /** V8 keeps each character of such a text in two bytes. */
  const textBytes = (json: string) => Math.max(utf8Bytes(json), 2 * json.length);
  const escapeAll = (json: string) =>
    json.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const view = { ...event, properties: {} };
  const purchase = { type: 'purchase', properties: { value: 1, currency: 'EUR' } };
  it.each([
    ['ASCII', view, 'a title '.repeat(50), utf8Bytes, String],
    ['umlauts', view, 'größer öfter'.repeat(30), utf8Bytes, String],
    ['Chinese', view, '一个页面的标题'.repeat(50), utf8Bytes, String],
    ['emoji', view, '🎉🧨'.repeat(90), utf8Bytes, String],
    ['escapes', view, '一个页面的标题'.repeat(50), utf8Bytes, escapeAll],
    ['a little Chinese in an order', purchase, '标题', textBytes, String],
    ['Chinese in an order', purchase, '一个页面的标题'.repeat(50), textBytes, String],
    ['ASCII in an order', purchase, 'a title '.repeat(50), utf8Bytes, String],
  ])('it is measured in bytes, not in characters: %s', async (_, one, title, bytesOf, spell) => {
    const rig = await createGatewayRig({ limits: { pendingBytes: limit } });
    let release = () => {};
    rig.brokers.state.topicWaits = rig.brokers.state.hubWaits = new Promise((resolve) => {
      release = resolve;
    });
    const statuses: number[] = [];
    const answers: Promise<unknown>[] = [];
    for (let number = 100; statuses.length === 0; number++) {
      const own = { id: `id-${number}`, properties: { ...one.properties, transaction_id: `A${number}` } };
      const answer = rig.post(spell(JSON.stringify({ ...one, ...own, page: { title } })));
      answers.push(answer.then(({ statusCode }) => statuses.push(statusCode)));
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    release();
    await Promise.all(answers);
    const { state, hubEvents } = rig.brokers;
    const taken = [...hubEvents().map((taken) => JSON.stringify(taken)), ...state.messages.map(({ body }) => body)];
    expect(statuses).toEqual([429, ...taken.map(() => 200)]);
    const sizes = taken.map(bytesOf);
    const sum = sizes.reduce((total, size) => total + size, 0);
    expect(sum).toBeLessThanOrEqual(limit);
    expect(sum + Math.max(...sizes)).toBeGreaterThan(limit);
  });
});

describe('GET /v1/pixel.gif', () => {
  const pixel = async (query: string, options: Parameters<typeof createGatewayRig>[0] = {}) => {
    const rig = await createGatewayRig(options);
    const response = await rig.app.inject(`/v1/pixel.gif?${query}`);
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toBe('image/gif');
    expect(response.headers['cache-control']).toContain('no-store');
    expect(response.rawPayload.subarray(0, 6).toString()).toBe('GIF89a');
    return { outcome: response.headers['x-penstock-outcome'], rig };
  };

  it('is a page view', async () => {
    const url = encodeURIComponent('https://shop.example/mail?x=1');
    const { outcome, rig } = await pixel(
      `writeKey=${WRITE_KEY}&id=m1&anonymousId=v&url=${url}&title=Mail&referrer=r&campaign_id=7`,
    );
    expect(outcome).toBe('accepted');
    expect(rig.brokers.hubEvents()).toMatchObject([
      {
        id: 'm1',
        type: 'page_view',
        data: {
          anonymousId: 'v',
          page: { url: 'https://shop.example/mail?x=1', path: '/mail', title: 'Mail', referrer: 'r' },
          properties: { campaign_id: '7' },
        },
      },
    ]);
  });

  it('is of the page that shows it, where nothing is said of one and the browser tells', async () => {
    const rig = await createGatewayRig();
    const get = (query: string, referer: string) =>
      rig.app.inject({ url: `/v1/pixel.gif?writeKey=${WRITE_KEY}&id=${query}`, headers: { referer } });
    await get('1', 'https://shop.example/shoes?x=1');
    await get('2&path=/told', 'https://shop.example/shoes');
    await get('3&type=email_open', 'https://webmail.example/inbox/7');
    await get('4', 'no address');
    const byId = rig.brokers.hubEvents().sort((a, b) => a.id.localeCompare(b.id));
    expect(byId.map(({ data }) => data.page)).toEqual([
      { url: 'https://shop.example/shoes?x=1', path: '/shoes' },
      { path: '/told' },
      undefined,
      undefined,
    ]);
  });

  it('may be any event, and its numbers are numbers', async () => {
    const { outcome, rig } = await pixel(
      `writeKey=${WRITE_KEY}&type=purchase&transaction_id=T9&value=12.50&currency=EUR`,
    );
    expect(outcome).toBe('accepted');
    expect(rig.brokers.state.messages).toMatchObject([
      { messageId: 'purchase:T9', applicationProperties: { value: 12.5 } },
    ]);
  });

  it('answers the picture whatever happens, and says what did', async () => {
    expect((await pixel('')).outcome).toBe('refused; code=PS_WRITE_KEY_MISSING');
    expect((await pixel('writeKey=wrong-key-1')).outcome).toBe('refused; code=PS_WRITE_KEY_UNKNOWN');
    expect((await pixel(`writeKey=${WRITE_KEY}`, { down: true })).outcome).toBe('refused; code=PS_BROKER_UNAVAILABLE');
    expect((await pixel(`writeKey=${WRITE_KEY}&type=purchase`)).outcome).toBe(
      'rejected; reason=required; path=/properties/transaction_id',
    );
    expect((await pixel(`writeKey=${WRITE_KEY}&__proto__=1`)).outcome).toBe(
      'rejected; reason=forbidden_key; path=/properties/__proto__',
    );
    expect((await pixel(`writeKey=${WRITE_KEY}&id=a&id=b`)).outcome).toBe('accepted');
  });
});

describe('any site may send', () => {
  it('a preflight is answered, to be remembered for a day, whatever headers are to be sent', async () => {
    const rig = await createGatewayRig();
    const response = await rig.app.inject({
      method: 'OPTIONS',
      url: '/v1/events',
      headers: {
        origin: 'https://shop.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'ce-id,content-type,tracestate,x-write-key',
      },
    });
    expect(response.statusCode).toBe(204);
    expect(response.headers).toMatchObject({
      'access-control-allow-origin': 'https://shop.example',
      'access-control-allow-methods': 'GET, POST, OPTIONS',
      'access-control-max-age': '86400',
      'access-control-allow-headers': 'ce-id,content-type,tracestate,x-write-key',
    });
  });

  it('answers and refusals alike can be read by the page that sent', async () => {
    const rig = await createGatewayRig();
    const origin = 'https://shop.example';
    for (const response of [
      await rig.post(event, { origin }),
      await rig.post('{', { origin }),
      await rig.app.inject({ url: '/x', headers: { origin } }),
    ]) {
      expect(response.headers).toMatchObject({ 'access-control-allow-origin': origin, vary: 'Origin' });
    }
  });
});

describe('what there is not', () => {
  it('an unknown path is 404', async () => {
    const rig = await createGatewayRig();
    const response = await rig.app.inject('/nothing');
    expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([404, 'PS_NOT_FOUND']);
  });

  it.each([
    ['GET', '/v1/events', 'POST, OPTIONS'],
    ['PUT', '/v1/events?x=1', 'POST, OPTIONS'],
    ['DELETE', '/v1/events', 'POST, OPTIONS'],
    ['POST', '/v1/pixel.gif', 'GET, OPTIONS'],
    ['POST', '/readyz', 'GET, HEAD'],
  ] as const)('%s %s is 405', async (method, url, allow) => {
    const rig = await createGatewayRig();
    const response = await rig.app.inject({ method, url });
    expect(response.statusCode).toBe(405);
    expect(response.headers.allow).toBe(allow);
    expect(response.json()).toMatchObject({ code: 'PS_METHOD_NOT_ALLOWED' });
  });

  it('who asks for the head of the pixel only has seen no page', async () => {
    const rig = await createGatewayRig();
    const response = await rig.app.inject({ method: 'HEAD', url: `/v1/pixel.gif?writeKey=${WRITE_KEY}` });
    expect([response.statusCode, rig.brokers.hubEvents()]).toEqual([405, []]);
  });

  it('a URL that cannot be read is a problem too', async () => {
    const rig = await createGatewayRig();
    const response = await rig.app.inject('/%c0%c1');
    expect(response.statusCode).toBe(400);
    expect(response.headers['content-type']).toContain('application/problem+json');
  });
});

describe('stopping', () => {
  it('closes the ways to the brokers, once', async () => {
    const rig = await createGatewayRig();
    const stopping = [rig.gateway.stop({ deadlineMs: 1000 }), rig.gateway.stop({ deadlineMs: 1000 })];
    await Promise.all(stopping);
    expect(rig.brokers.state.closed).toBe(2);
  });

  it('without any source there is no gateway', async () => {
    const brokers = createMemoryBrokers();
    const deps = { clock: createManualClock(), random: () => 0, logger: createLogger('t', 'silent'), ...brokers };
    await expect(createGateway(deps, configSchema.parse({}).gateway)).rejects.toMatchObject({
      code: 'PS_GATEWAY_NO_SOURCES',
    });
  });
});

describe('the metrics', () => {
  it('count events by outcome, requests by status and batches by sink, and are for this machine alone', async () => {
    const rig = await createGatewayRig();
    await rig.post([{ type: 'page_view', id: 'a' }, { type: 'page_view', id: 'a' }, { type: 7 }]);
    await rig.post('{');
    const { statusCode, body } = await rig.app.inject('/metrics');
    expect(statusCode).toBe(200);
    expect(body).toContain('penstock_gateway_events_total{outcome="accepted",reason="broker"} 1');
    expect(body).toContain('penstock_gateway_events_total{outcome="duplicate",reason="same_request"} 1');
    expect(body).toContain('penstock_gateway_events_total{outcome="rejected",reason="invalid_type"} 1');
    expect(body).toContain('penstock_gateway_requests_total{status="200"} 1');
    expect(body).toContain('penstock_gateway_requests_total{status="400"} 1');
    expect(body).toContain('penstock_gateway_batch_seconds_count{sink="hub:clicks",result="settled"} 1');
    expect(body).toContain('penstock_gateway_sink_up{sink="topic:events"} 1');
    for (const elsewhere of [{ headers: { 'x-forwarded-for': '1.2.3.4' } }, { remoteAddress: '192.0.2.1' }]) {
      expect((await rig.app.inject({ url: '/metrics', ...elsewhere })).statusCode).toBe(404);
    }
  });

  it('tell how much waits on disk, for how long, and how long requests took', async () => {
    const rig = await createGatewayRig({ openSpoolStore: createMemoryDisk().open });
    expect((await rig.app.inject('/metrics')).body).toContain('penstock_gateway_spool_records{sink="hub:clicks"} 0');
    rig.brokers.state.hubFailure = 'PS_PUBLISH_UNAVAILABLE';
    expect(await rig.results([{ type: 'page_view' }])).toMatchObject([{ outcome: 'accepted', durability: 'spool' }]);
    rig.clock.advance(3000);
    const { body } = await rig.app.inject('/metrics');
    expect(body).toContain('penstock_gateway_events_total{outcome="accepted",reason="spool"} 1');
    expect(body).toContain('penstock_gateway_spool_records{sink="hub:clicks"} 1');
    expect(body).toMatch(/^penstock_gateway_spool_bytes\{sink="hub:clicks"\} [1-9]/m);
    expect(body).toContain('penstock_gateway_spool_age_seconds{sink="hub:clicks"} 3');
    expect(body).toContain('penstock_gateway_spool_records{sink="topic:events"} 0');
    expect(body).toContain('penstock_gateway_sink_up{sink="hub:clicks"} 0');
    expect(body).toContain('penstock_gateway_ack_seconds_count 1');
  });

  it('have no label that a client can make', async () => {
    const rig = await createGatewayRig();
    const series = async () =>
      (await rig.app.inject('/metrics')).body
        .split('\n')
        .filter((line) => line.startsWith('penstock_gateway_'))
        .map((line) => line.slice(0, line.lastIndexOf(' ')));
    const send = async (name: string) => {
      await rig.post([{ type: name, id: name, anonymousId: name }, { type: `${name} ` }, { type: 'click', [name]: 1 }]);
      await rig.post('[]', { authorization: `Bearer ${name}`, 'content-type': name, origin: `https://${name}` });
      await rig.app.inject({ url: `/${name}` });
    };
    await send('first');
    const before = await series();
    for (let count = 0; count < 50; count++) await send(`other${count}`);
    expect(await series()).toEqual(before);
    expect(before.join()).not.toContain('first');
  });

  it('what a broker said is told on this machine, and to nobody else', async () => {
    const rig = await createGatewayRig({ down: true });
    expect((await rig.app.inject('/readyz')).body).toContain('as the test says');
    const elsewhere = await rig.app.inject({ url: '/readyz', remoteAddress: '192.0.2.1' });
    expect(elsewhere.statusCode).toBe(503);
    expect(elsewhere.body).not.toContain('as the test says');
  });
});
