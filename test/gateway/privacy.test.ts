import { describe, expect, it, test } from 'vitest';
import type { GatewayOptions } from '../../src/gateway/index.js';
import { createGatewayRig, WRITE_KEY } from './rig.js';
import { createMemoryDisk } from './spool/memory-store.js';

type Source = GatewayOptions['sources'][number];

const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36';
const GOOGLEBOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';

async function rigOf(source: Partial<Source>) {
  const rig = await createGatewayRig({ gateway: { sources: [{ name: 'shop', writeKey: WRITE_KEY, ...source }] } });
  return {
    ...rig,
    /** Posts one event and gives its outcome, or the reason, and what the broker has of it. */
    async send(event: object, headers: Record<string, string> = {}) {
      const before = rig.brokers.hubEvents().length;
      const [result] = await rig.results({ type: 'page_view', ...event }, { 'user-agent': CHROME, ...headers });
      const events = rig.brokers.hubEvents();
      const sent = events.length > before ? events.find(({ id }) => id === result?.id) : undefined;
      return { outcome: result?.reason ?? result?.outcome, data: sent?.data, subject: sent?.subject };
    },
  };
}

const IDS = { anonymousId: 'visitor', userId: 'user', sessionId: 'session' };
const ADDRESS = { 'x-forwarded-for': '203.0.113.77' };

describe('consent and signals', () => {
  it.each([
    ['GPC drops where it is told to', { gpc: 'drop' }, { 'sec-gpc': '1' }, {}, 'gpc'],
    ['DNT drops where it is told to', { dnt: 'drop' }, { dnt: '1' }, {}, 'dnt'],
    ['without a policy both are kept', {}, { 'sec-gpc': '1', dnt: '1' }, {}, 'accepted'],
    ['a signal that says no is none', { gpc: 'drop', dnt: 'drop' }, { 'sec-gpc': '0', dnt: '0' }, {}, 'accepted'],
    [
      'a refused purpose drops',
      { consent: { purposes: ['analytics'] } },
      {},
      { consent: { analytics: false } },
      'consent',
    ],
    [
      'so does consent mode',
      { consent: { purposes: ['analytics'] } },
      {},
      { consent: { analytics: 'DENIED' } },
      'consent',
    ],
    ['a purpose that is left open is kept by default', { consent: { purposes: ['analytics'] } }, {}, {}, 'accepted'],
    [
      'or dropped, where consent has to be given first',
      { consent: { purposes: ['analytics'], missing: 'drop' } },
      {},
      { consent: { marketing: true } },
      'consent',
    ],
    [
      'one refused purpose outweighs another that is left open',
      { consent: { purposes: ['marketing', 'analytics'], missing: 'keep', denied: 'drop' } },
      {},
      { consent: { analytics: false } },
      'consent',
    ],
    [
      'a signal is not overruled by consent',
      { gpc: 'drop', consent: { purposes: ['analytics'] } },
      { 'sec-gpc': '1' },
      { consent: { analytics: true } },
      'gpc',
    ],
    ['a type that is excepted is kept', { gpc: 'drop', except: ['page_view'] }, { 'sec-gpc': '1' }, {}, 'accepted'],
  ] as [string, Source['privacy'], Record<string, string>, object, string][])(
    '%s',
    async (_title, privacy, headers, event, outcome) => {
      const rig = await rigOf({ privacy });
      expect((await rig.send(event, headers)).outcome).toBe(outcome);
      expect(rig.brokers.hubEvents()).toHaveLength(outcome === 'accepted' ? 1 : 0);
    },
  );

  test('a stripped event belongs to nobody, and keeps what it tells', async () => {
    const rig = await rigOf({ privacy: { gpc: 'strip' } });
    const { data, subject } = await rig.send(
      { ...IDS, id: 'e', properties: { colour: 'red' }, context: { locale: 'de' } },
      { ...ADDRESS, 'sec-gpc': '1' },
    );
    expect(subject).toBeUndefined();
    expect(data).toEqual({
      context: { device: 'desktop', locale: 'de' },
      properties: { colour: 'red' },
      receivedAt: expect.any(String) as string,
    });
  });

  test('a stripped message of the topic has no user in its properties either', async () => {
    const rig = await rigOf({ privacy: { dnt: 'strip' } });
    await rig.send({ ...IDS, type: 'sign_up' }, { dnt: '1' });
    const [message] = rig.brokers.state.messages;
    expect(message?.applicationProperties).toEqual({ type: 'sign_up', source: 'shop' });
    expect(message?.body).not.toMatch(/visitor|user|session|"ip"/);
  });

  test('consent stays with the event, and what is no answer is refused', async () => {
    const rig = await rigOf({});
    expect((await rig.send({ consent: { analytics: 'granted', ads: false } })).data?.consent).toEqual({
      analytics: true,
      ads: false,
    });
    const refused = await rig.results([
      { type: 'click', consent: true },
      { type: 'click', consent: { analytics: 'maybe' } },
      { type: 'click', consent: { analytics: 1 } },
    ]);
    expect(refused.map(({ reason, path }) => `${reason} ${path}`)).toEqual([
      'invalid_type /consent',
      'invalid_format /consent/analytics',
      'invalid_type /consent/analytics',
    ]);
  });

  test("a server's request headers say nothing of the visitor, but the event's consent does", async () => {
    const rig = await createGatewayRig({
      gateway: {
        sources: [
          {
            name: 'shop',
            keys: [{ writeKey: WRITE_KEY, kind: 'server' }],
            privacy: { gpc: 'drop', consent: { purposes: ['analytics'] } },
          },
        ],
      },
    });
    const results = await rig.results([{ type: 'click' }, { type: 'click', consent: { analytics: false } }], {
      'sec-gpc': '1',
    });
    expect(results.map(({ outcome }) => outcome)).toEqual(['accepted', 'dropped']);
  });
});

describe('addresses', () => {
  test('they are truncated, or not kept at all, whoever names them', async () => {
    const forwarded = { context: { ip: '2001:db8:1:2::7' } };
    const truncating = await rigOf({});
    expect((await truncating.send({}, ADDRESS)).data?.context.ip).toBe('203.0.113.0');
    expect((await truncating.send(forwarded, ADDRESS)).data?.context.ip).toBe('2001:db8:1::');
    const forgetting = await rigOf({ privacy: { ip: 'none' } });
    expect((await forgetting.send({}, ADDRESS)).data?.context).toEqual({ device: 'desktop' });
    expect((await forgetting.send(forwarded, ADDRESS)).data?.context).toEqual({ device: 'desktop' });
  });

  test('X-Forwarded-For counts only from proxies that are configured', async () => {
    const rig = await createGatewayRig({ gateway: { trustedProxies: ['10.0.0.0/8'] } });
    const ipFrom = async (remoteAddress: string) => {
      const answer = await rig.app.inject({
        method: 'POST',
        url: '/v1/events',
        remoteAddress,
        headers: { authorization: `Bearer ${WRITE_KEY}`, 'x-forwarded-for': '6.6.6.6, 203.0.113.77, 10.1.1.1' },
        payload: { type: 'click' },
      });
      const [{ id } = { id: '' }] = answer.json<{ results: { id: string }[] }>().results;
      return rig.brokers.hubEvents().find((event) => event.id === id)?.data.context.ip;
    };
    expect(await ipFrom('10.9.9.9')).toBe('203.0.113.0');
    expect(await ipFrom('127.0.0.1')).toBe('127.0.0.0');
    expect(await ipFrom('198.51.100.9')).toBe('198.51.100.0');
  });
});

describe('visitor ids without cookies', () => {
  test('the same browser is one visitor for a day, and what it had stored is not used', async () => {
    const rig = await rigOf({ privacy: { visitorId: 'daily', ip: 'none' } });
    const visitor = async (headers: Record<string, string>) => (await rig.send(IDS, headers)).data?.anonymousId;
    const first = await visitor(ADDRESS);
    expect(first).toMatch(/^[\w-]{22}$/);
    expect(await visitor(ADDRESS)).toBe(first);
    expect(await visitor({ 'x-forwarded-for': '203.0.113.78' })).not.toBe(first);
    expect(await visitor({ ...ADDRESS, 'user-agent': 'Other/1.0' })).not.toBe(first);
    await rig.passTime(24 * 3_600_000);
    expect(await visitor(ADDRESS)).not.toBe(first);
    expect(JSON.stringify(rig.brokers.hubEvents())).not.toMatch(/203\.0\.113|"sessionId"|"visitor"/);
    await rig.gateway.stop({ deadlineMs: 100 });
  });

  test('a server that forwards gives the address and agent of each visitor', async () => {
    const rig = await rigOf({ privacy: { visitorId: 'daily' } });
    const forwarded = await rig.send({ context: { ip: '203.0.113.77', userAgent: CHROME } }, { 'user-agent': 'axios' });
    const direct = await rig.send({}, ADDRESS);
    expect(forwarded.data?.anonymousId).toBe(direct.data?.anonymousId);
    await rig.gateway.stop({ deadlineMs: 100 });
  });

  test('who is stripped gets none', async () => {
    const rig = await rigOf({ privacy: { visitorId: 'daily', gpc: 'strip' } });
    expect((await rig.send(IDS, { ...ADDRESS, 'sec-gpc': '1' })).data).not.toHaveProperty('anonymousId');
    await rig.gateway.stop({ deadlineMs: 100 });
  });
});

describe('bots', () => {
  it.each([
    ['dropped', 'drop', 'bot', undefined],
    ['kept with a flag', 'flag', 'accepted', true],
    ['kept as they are', undefined, 'accepted', undefined],
  ] as const)('are %s', async (_title, bots, outcome, flag) => {
    const rig = await rigOf({ bots });
    const sent = await rig.send({}, { 'user-agent': GOOGLEBOT });
    expect(sent.outcome).toBe(outcome);
    expect(sent.data?.context.bot).toBe(flag);
    expect((await rig.send({}, { 'user-agent': CHROME })).data?.context).not.toHaveProperty('bot');
  });

  test('the agent that an event names outweighs that of the server which forwards it', async () => {
    const rig = await rigOf({ bots: 'drop' });
    expect((await rig.send({ context: { userAgent: CHROME } }, { 'user-agent': 'curl/8' })).outcome).toBe('accepted');
    expect((await rig.send({ context: { userAgent: GOOGLEBOT } })).outcome).toBe('bot');
  });
});

describe('countries', () => {
  const GERMAN = { 'x-forwarded-for': '193.99.144.80' };

  test('an address gets its country, the address of the event before that of the request', async () => {
    const rig = await rigOf({ country: true });
    expect((await rig.send({}, GERMAN)).data?.context).toMatchObject({ country: 'DE', ip: '193.99.144.0' });
    expect((await rig.send({ context: { ip: '2001:4860:4860::8888' } }, GERMAN)).data?.context.country).toBe('US');
    expect((await rig.send({ context: { ip: '10.0.0.1' } }, GERMAN)).data?.context).not.toHaveProperty('country');
    expect((await rig.send({ context: { country: 'at' } }, GERMAN)).data?.context.country).toBe('AT');
  });

  test('it is known where the address is not kept, and it is a property that filters see', async () => {
    const rig = await rigOf({ country: true, privacy: { ip: 'none' } });
    expect((await rig.send({}, GERMAN)).data?.context).toEqual({ country: 'DE', device: 'desktop' });
    await rig.send({ type: 'sign_up' }, GERMAN);
    expect(rig.brokers.state.messages[0]?.applicationProperties['country']).toBe('DE');
  });

  test('nobody looks where nobody asked', async () => {
    expect((await (await rigOf({})).send({}, GERMAN)).data?.context).not.toHaveProperty('country');
  });

  test('a database that is none stops the start, and names the file', async () => {
    const sources = [{ name: 'shop', writeKey: WRITE_KEY, country: true }];
    await expect(createGatewayRig({ gateway: { sources, countryDatabase: 'package.json' } })).rejects.toMatchObject({
      code: 'PS_COUNTRY_DATABASE_UNREADABLE',
      message: expect.stringContaining('package.json') as string,
    });
  });
});

describe('consent in the words of other protocols', () => {
  const sources = [
    { name: 'shop', writeKey: WRITE_KEY, privacy: { consent: { purposes: ['ad_user_data', 'Advertising'] } } },
  ];
  it.each([
    [
      "GA4's",
      `/mp/collect?api_secret=${WRITE_KEY}&measurement_id=G-1`,
      (isRefused: boolean) => ({
        client_id: 'c',
        consent: { ad_user_data: isRefused ? 'DENIED' : 'GRANTED' },
        events: [{ name: 'page_view', params: {} }],
      }),
    ],
    [
      "Segment's",
      '/v1/track',
      (isRefused: boolean) => ({
        writeKey: WRITE_KEY,
        event: 'Seen',
        anonymousId: 'c',
        context: { consent: { categoryPreferences: { Advertising: !isRefused } } },
      }),
    ],
  ])('%s is heard', async (_title, url, payload) => {
    const rig = await createGatewayRig({ gateway: { sources } });
    const send = (isRefused: boolean) => rig.app.inject({ method: 'POST', url, payload: payload(isRefused) });
    await send(true);
    expect(rig.brokers.hubEvents()).toEqual([]);
    await send(false);
    expect(rig.brokers.hubEvents()).toHaveLength(1);
  });
});

test('on disk, while a broker is away, stands nothing that the broker would not get', async () => {
  const disk = createMemoryDisk();
  const privacy: Source['privacy'] = { gpc: 'strip', consent: { purposes: ['analytics'], denied: 'drop' } };
  const rig = await createGatewayRig({
    openSpoolStore: disk.open,
    gateway: { sources: [{ name: 'shop', writeKey: WRITE_KEY, privacy }] },
  });
  rig.brokers.state.hubFailure = 'PS_PUBLISH_UNAVAILABLE';
  rig.brokers.state.topicFailure = 'PS_PUBLISH_UNAVAILABLE';
  const sent = { ...IDS, context: { ip: '2001:db8:1:2:3:4:5:6', userAgent: CHROME } };
  const headers = { ...ADDRESS, 'user-agent': CHROME };
  const order = { ...IDS, type: 'purchase', transaction_id: 'T1', value: 1, currency: 'EUR' };
  expect(
    await rig.results(
      [
        { type: 'page_view', id: 'by-server', ...sent },
        { type: 'click', id: 'by-page' },
        { ...order, id: 'ordered' },
      ],
      headers,
    ),
  ).toMatchObject(Array(3).fill({ outcome: 'accepted', durability: 'spool' }));
  const stripped = { type: 'page_view', id: 'stripped', anonymousId: 'who-visits', userId: 'who-buys' };
  expect(await rig.results([stripped], { ...headers, 'sec-gpc': '1' })).toMatchObject([{ durability: 'spool' }]);
  const denied = { type: 'page_view', id: 'denied', consent: { analytics: false } };
  expect(await rig.results([denied], headers)).toMatchObject([{ outcome: 'dropped' }]);

  const written = [...disk.entries].map(([key, value]) => `${key} ${value.toString('latin1')}`).join('\n');
  for (const kept of ['by-server', 'by-page', 'ordered', 'stripped', '203.0.113.0', '2001:db8:1::'])
    expect(written).toContain(kept);
  for (const gone of ['203.0.113.77', '2001:db8:1:2', 'AppleWebKit', 'who-visits', 'who-buys', 'denied', WRITE_KEY])
    expect(written).not.toContain(gone);
});
