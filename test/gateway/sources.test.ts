import { describe, expect, test } from 'vitest';
import type { GatewayOptions } from '../../src/gateway/index.js';
import { createGatewayRig } from './rig.js';

const SERVER = { authorization: 'Bearer server-key' };
const BROWSER = { authorization: 'Bearer browser-key' };

const rigOf = (source: Partial<GatewayOptions['sources'][number]>) =>
  createGatewayRig({ gateway: { sources: [{ name: 'shop', ...source }] } });

const keys = [
  { writeKey: 'server-key', kind: 'server' },
  { writeKey: 'browser-key', kind: 'browser' },
] as const;

describe('the keys of a source', () => {
  const refund = { type: 'refund', properties: { transaction_id: 'T-1' } };
  const offer = { type: 'offer_made', anonymousId: 'v', properties: { offer: 'gift' } };
  const churn = { type: 'churn_scored', userId: 'u', properties: { churnScore: 0.9 } };

  test('every key sends for its source, and a browser key sends no refund, score or offer', async () => {
    const rig = await rigOf({ keys });
    const outcomes = async (key: Record<string, string>) =>
      (await rig.results([{ type: 'page_view' }, refund, churn, offer], key)).map(({ outcome }) => outcome);
    expect(await outcomes(SERVER)).toEqual(['accepted', 'accepted', 'accepted', 'accepted']);
    expect(await outcomes(BROWSER)).toEqual(['accepted', 'rejected', 'rejected', 'rejected']);
    expect(await rig.results(refund, BROWSER)).toMatchObject([{ reason: 'type_not_allowed', path: '/type' }]);
    expect(rig.brokers.hubEvents().map(({ source }) => source)).toEqual(['shop', 'shop']);
  });

  test('a type has to be on the list of the source and on that of the key', async () => {
    const rig = await rigOf({
      types: ['page_view', 'click'],
      keys: [{ writeKey: 'server-key', kind: 'server', types: ['click', 'add_to_cart'] }],
    });
    const events = ['page_view', 'click', 'add_to_cart'].map((type) => ({ type }));
    expect((await rig.results(events, SERVER)).map(({ outcome }) => outcome)).toEqual([
      'rejected',
      'accepted',
      'rejected',
    ]);
  });

  test("a server's own address and agent are not taken for its visitors'", async () => {
    const rig = await rigOf({ keys });
    const agent = { ...SERVER, 'user-agent': 'Mozilla/5.0 (Windows NT 10.0)' };
    await rig.results({ id: 'plain', type: 'page_view' }, agent);
    await rig.results({ id: 'own', type: 'page_view', context: { ip: '203.0.113.7' } }, agent);
    const contexts = Object.fromEntries(rig.brokers.hubEvents().map(({ id, data }) => [id, data.context]));
    expect(contexts).toEqual({ plain: {}, own: { ip: '203.0.113.0' } });
  });
});

describe('origins', () => {
  const LISTED = 'https://shop.example';
  const rigWithList = () => rigOf({ keys, origins: [LISTED] });

  test('a listed page may send, with credentials, and any other is refused without a CORS header', async () => {
    const rig = await rigWithList();
    const listed = await rig.post({ type: 'click' }, { ...BROWSER, origin: LISTED });
    expect(listed.statusCode).toBe(200);
    expect(listed.headers).toMatchObject({
      'access-control-allow-origin': LISTED,
      'access-control-allow-credentials': 'true',
    });
    for (const origin of ['https://evil.example', 'https://shop.example:8443', 'http://shop.example', 'null']) {
      const refused = await rig.post({ type: 'click' }, { ...BROWSER, origin });
      expect(refused.statusCode).toBe(403);
      expect(refused.json()).toMatchObject({ code: 'PS_ORIGIN_NOT_ALLOWED' });
      expect(refused.headers).not.toHaveProperty('access-control-allow-origin');
    }
    expect(rig.brokers.hubEvents()).toHaveLength(1);
  });

  test('what comes without an origin is no page', async () => {
    const rig = await rigWithList();
    expect((await rig.post({ type: 'click' }, BROWSER)).statusCode).toBe(200);
  });

  test('a preflight is answered for listed pages only', async () => {
    const rig = await rigWithList();
    const preflight = (origin: string) =>
      rig.app.inject({
        method: 'OPTIONS',
        url: '/v1/events',
        headers: { origin, 'access-control-request-method': 'POST' },
      });
    expect((await preflight(LISTED)).headers).toMatchObject({ 'access-control-allow-credentials': 'true' });
    const refused = await preflight('https://evil.example');
    expect(refused.statusCode).toBe(403);
    expect(refused.headers).not.toHaveProperty('access-control-allow-origin');
  });

  test('a page of one site cannot use the key of another', async () => {
    const rig = await createGatewayRig({
      gateway: {
        sources: [
          { name: 'shop', writeKey: 'server-key', origins: [LISTED] },
          { name: 'open', writeKey: 'browser-key' },
        ],
      },
    });
    const origin = 'https://other.example';
    const open = await rig.post({ type: 'click' }, { ...BROWSER, origin });
    expect(open.headers['access-control-allow-origin']).toBe(origin);
    expect(open.headers).not.toHaveProperty('access-control-allow-credentials');
    const refused = await rig.post({ type: 'click' }, { ...SERVER, origin });
    expect(refused.statusCode).toBe(403);
    expect(refused.headers).not.toHaveProperty('access-control-allow-origin');
  });
});

describe('rates and quotas', () => {
  const limited = (rates: object) => rigOf({ keys: [{ writeKey: 'browser-key', kind: 'browser', ...rates }] });
  const clicks = (count: number) => Array.from({ length: count }, () => ({ type: 'click' }));

  test('more events than a key may send are refused whole, with the time to wait, and pass after it', async () => {
    const rig = await limited({ rate: { eventsPerSecond: 10, burst: 100 } });
    expect((await rig.post(clicks(100), BROWSER)).statusCode).toBe(200);
    const refused = await rig.post(clicks(50), BROWSER);
    expect(refused.statusCode).toBe(429);
    expect(refused.json()).toMatchObject({ code: 'PS_RATE_LIMITED' });
    await rig.passTime(100);
    expect((await rig.post(clicks(50), BROWSER)).headers['retry-after']).toBe('5');
    await rig.passTime(4900);
    expect((await rig.post(clicks(50), BROWSER)).statusCode).toBe(200);
    expect(rig.brokers.hubEvents()).toHaveLength(150);
  });

  test('one client that floods does not cost the others', async () => {
    const rig = await limited({ clientRate: { eventsPerSecond: 1, burst: 10 } });
    const from = (ip: string) => ({ ...BROWSER, 'x-forwarded-for': ip });
    expect((await rig.post(clicks(10), from('203.0.113.7'))).statusCode).toBe(200);
    expect((await rig.post(clicks(1), from('203.0.113.7'))).statusCode).toBe(429);
    expect((await rig.post(clicks(10), from('203.0.113.8'))).statusCode).toBe(200);
  });

  test("what is beyond a day's quota is dropped event by event, until the next day", async () => {
    const rig = await rigOf({ keys, eventsPerDay: 3 });
    const sent = [{ id: 'a', type: 'click' }, { id: 'a', type: 'click' }, ...clicks(3)];
    expect((await rig.results(sent, BROWSER)).map(({ outcome, reason }) => reason ?? outcome)).toEqual([
      'accepted',
      'duplicate',
      'accepted',
      'accepted',
      'quota',
    ]);
    expect(await rig.results({ id: 'x', type: 'click' }, SERVER)).toEqual([
      { id: 'x', outcome: 'dropped', reason: 'quota' },
    ]);
    await rig.passTime(24 * 3_600_000);
    expect(await rig.results(clicks(1), BROWSER)).toMatchObject([{ outcome: 'accepted' }]);
  });
});

describe('a dry run', () => {
  test.each(['dry_run=1', 'dry_run', 'dry_run=', 'dry_run=yes', 'dry_run=True'])(
    'is asked for by ?%s',
    async (query) => {
      const rig = await rigOf({ keys });
      const url = `/v1/events?${query}&writeKey=browser-key`;
      const answer = await rig.app.inject({ method: 'POST', url, payload: { id: 'a', type: 'click' } });
      expect(answer.json()).toEqual({ dryRun: true, results: [{ id: 'a', outcome: 'valid' }] });
      expect(rig.brokers.hubEvents()).toEqual([]);
    },
  );

  test.each(['dry_run=0', 'dry_run=false'])('is none with ?%s', async (query) => {
    const rig = await rigOf({ keys });
    const url = `/v1/events?${query}&writeKey=browser-key`;
    const answer = await rig.app.inject({ method: 'POST', url, payload: { id: 'a', type: 'click' } });
    expect(answer.json()).toMatchObject({ results: [{ id: 'a', outcome: 'accepted' }] });
  });

  test('says what would become of each event, sends nothing and counts nothing', async () => {
    const rig = await rigOf({ keys, eventsPerDay: 1 });
    const answer = await rig.app.inject({
      method: 'POST',
      url: '/v1/events?dry_run=1&writeKey=browser-key',
      payload: [{ id: 'a', type: 'click' }, { id: 'b', type: 'refund' }, { id: 'a', type: 'click' }, { type: 7 }],
    });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({
      dryRun: true,
      results: [
        { id: 'a', outcome: 'valid' },
        { id: 'b', outcome: 'rejected', reason: 'required', path: '/properties/transaction_id' },
        { id: 'a', outcome: 'duplicate' },
        { id: null, outcome: 'rejected', reason: 'invalid_type', path: '/type' },
      ],
    });
    expect(rig.brokers.hubEvents()).toEqual([]);
    expect(await rig.results({ type: 'click' }, BROWSER)).toMatchObject([{ outcome: 'accepted' }]);
  });
});

test('a visitor that could fill a partition is held to its rate where that is configured, and others are not', async () => {
  const rig = await createGatewayRig({ gateway: { hotVisitors: { eventsPerSecond: 10, action: 'drop' } } });
  const events = Array.from({ length: 1000 }, (_, index) => ({
    type: 'click',
    anonymousId: index % 10 === 0 ? `visitor ${index}` : 'hot',
  }));
  const results = await rig.results(events);
  const reasons = (isHot: boolean) =>
    new Set(results.filter((_, index) => isHot === (index % 10 !== 0)).map(({ reason, outcome }) => reason ?? outcome));
  expect(reasons(true)).toEqual(new Set(['accepted', 'hot_visitor']));
  expect(reasons(false)).toEqual(new Set(['accepted']));
});
