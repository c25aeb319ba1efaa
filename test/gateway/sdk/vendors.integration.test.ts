import { createInstance, type Types } from '@amplitude/analytics-node';
import { jitsuAnalytics } from '@jitsu/js';
import { OpenPanel } from '@openpanel/sdk';
import { Umami } from '@umami/node';
import Mixpanel from 'mixpanel';
import { PostHog } from 'posthog-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { PenstockEvent } from '../../../src/events/index.js';
import { JITSU_KEY, only, type SdkStack, startSdkStack, WRITE_KEY } from './stack.js';

/** Orders of different numbers: the same one would be one message, whoever tells of it. */
const orderOf = (number: string) => ({ transaction_id: number, value: 25, currency: 'EUR' });

describe('the Node SDKs of other vendors', () => {
  let stack: SdkStack;
  let count = 0;
  beforeAll(async () => {
    stack = await startSdkStack();
  });
  afterAll(() => stack.stop());

  /** Everything, once `more` events have come that no test before this one has waited for; nothing else has come. */
  const arrived = async (more: number): Promise<readonly PenstockEvent[]> => {
    count += more;
    const events = await stack.events(count);
    expect(events).toHaveLength(count);
    return events.slice(count - more);
  };
  const statusesFrom = (from: number) => stack.answers.slice(from).map(({ status }) => status);

  it('posthog-node: each event arrives once, with its id, user, time and properties', async () => {
    const client = new PostHog(WRITE_KEY, { host: stack.url, flushAt: 20 });
    const errors: unknown[] = [];
    client.on('error', (error) => errors.push(error));
    const timestamp = new Date('2026-11-20T10:00:00.000Z');
    const uuid = '01a2065c-ce40-7a52-81bf-0c72ccbce414';
    client.capture({ distinctId: 'ph-1', event: 'purchase', properties: orderOf('T-1'), timestamp, uuid });
    client.capture({ distinctId: 'ph-1', event: '$pageview', properties: { $current_url: 'https://x.example/a?b' } });
    client.identify({ distinctId: 'ph-1', properties: { plan: 'pro' } });
    expect(await client.isFeatureEnabled('a-flag', 'ph-1', { sendFeatureFlagEvents: false })).toBeFalsy();
    await client.shutdown();
    expect(errors).toEqual([]);
    const events = await arrived(3);
    expect(only(events, uuid)).toMatchObject({
      type: 'purchase',
      subject: 'ph-1',
      data: { userId: 'ph-1', occurredAt: timestamp.toISOString(), properties: orderOf('T-1') },
    });
    expect(events.map(({ type }) => type).sort()).toEqual(['identify', 'page_view', 'purchase']);
  });

  it('posthog-node: when the gateway is full it sends again, and everything arrives once', async () => {
    const client = new PostHog(WRITE_KEY, { host: stack.url, flushAt: 1, fetchRetryCount: 20, fetchRetryDelay: 200 });
    const from = stack.answers.length;
    const uuid = '01a2065c-ce40-7a52-81bf-0c72ccbce415';
    await stack.overload(1, () => client.capture({ distinctId: 'ph-2', event: 'busy', uuid }));
    await client.shutdown();
    const statuses = statusesFrom(from);
    expect([statuses[0], statuses.at(-1)]).toEqual([503, 200]);
    expect(only(await arrived(1), uuid)).toMatchObject({ type: 'busy', subject: 'ph-2' });
  });

  const createAmplitude = async () => {
    const client = createInstance();
    const serverUrl = `${stack.url}/2/httpapi`;
    await client.init(WRITE_KEY, { serverUrl, flushQueueSize: 10, flushIntervalMillis: 200, logLevel: 0 }).promise;
    return client;
  };
  const codes = async (results: Types.AmplitudeReturn<Types.Result>[]) =>
    Promise.all(results.map(async ({ promise }) => (await promise).code));

  it('@amplitude/analytics-node: each event arrives once, and the SDK reports code 200', async () => {
    const client = await createAmplitude();
    const time = Date.parse('2026-11-20T10:00:00.000Z');
    const who = { user_id: 'am-user', device_id: 'am-device' };
    const results = [
      client.track('purchase', orderOf('T-2'), { ...who, insert_id: 'am-order', time, session_id: 77, language: 'de' }),
      client.track('Product Viewed', { sku: 's1' }, { ...who, insert_id: 'am-view', time }),
    ];
    expect(await codes(results)).toEqual([200, 200]);
    const events = await arrived(2);
    expect(only(events, 'am-order')).toMatchObject({
      type: 'purchase',
      data: {
        anonymousId: 'am-device',
        userId: 'am-user',
        sessionId: '77',
        occurredAt: '2026-11-20T10:00:00.000Z',
        properties: orderOf('T-2'),
        context: { locale: 'de' },
      },
    });
    expect(only(events, 'am-view')).toMatchObject({ type: 'view_item', subject: 'am-user' });
  });

  it('@amplitude/analytics-node: on 429 it sends again; what is refused it gives up, and says so', async () => {
    const client = await createAmplitude();
    const from = stack.answers.length;
    let busy: Types.AmplitudeReturn<Types.Result> | undefined;
    await stack.overload(1, async () => {
      busy = client.track('busy', {}, { user_id: 'am-user', insert_id: 'am-busy' });
    });
    expect((await busy?.promise)?.code).toBe(200);
    const statuses = statusesFrom(from);
    expect([statuses[0], statuses.at(-1)]).toEqual([429, 200]);
    expect(only(await arrived(1), 'am-busy')).toMatchObject({ type: 'busy' });
    expect(await codes([client.track('purchase', {}, { user_id: 'am-user' })])).toEqual([400]);
  });

  /** What the callback of Mixpanel's SDK is told; null and undefined are success. */
  const told = (send: (done: (error: Error | undefined) => void) => void) =>
    new Promise<Error | undefined>((resolve) => send((error) => resolve(error ?? undefined)));

  it('mixpanel: each event arrives once; it never sends again, and is told when it would have to', async () => {
    const { hostname, port } = new URL(stack.url);
    const client = Mixpanel.init(WRITE_KEY, { host: `${hostname}:${port}`, protocol: 'http', keepAlive: false });
    const time = new Date('2026-11-20T10:00:00.000Z');
    const bought = { ...orderOf('T-3'), distinct_id: 'mx-1', $insert_id: 'mx-order', time };
    expect(await told((done) => client.track('purchase', bought, done))).toBeUndefined();
    expect(
      await told((done) =>
        client.track_batch([{ event: 'A b', properties: { distinct_id: 'mx-1', time } }], (errors) =>
          done(errors?.[0]),
        ),
      ),
    ).toBeUndefined();
    expect(await told((done) => client.people.set('mx-1', { plan: 'pro' }, done))).toBeUndefined();
    const events = await arrived(3);
    expect(only(events, 'mx-order')).toMatchObject({
      type: 'purchase',
      subject: 'mx-1',
      time: time.toISOString(),
      data: { properties: orderOf('T-3') },
    });
    expect(events.find(({ type }) => type === 'a_b')).toMatchObject({ subject: 'mx-1', time: time.toISOString() });
    expect(events.find(({ type }) => type === 'identify')?.data.properties).toEqual({ $set: { plan: 'pro' } });

    let refused: Promise<Error | undefined> | undefined;
    await stack.overload(1, () => {
      refused = told((done) => client.track('busy', { distinct_id: 'mx-1' }, done));
    });
    expect((await refused)?.message).toContain('0');
  });

  it('@umami/node: each event arrives once, and the SDK is answered 200', async () => {
    const client = new Umami({ websiteId: WRITE_KEY, hostUrl: stack.url });
    const answers = [
      await client.track({ url: '/home', title: 'Home', hostname: 'x.example', id: 'um-1' }),
      await client.track('signup', { plan: 'pro' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const events = await arrived(2);
    expect(events.find(({ type }) => type === 'page_view')?.data).toMatchObject({
      userId: 'um-1',
      page: { path: '/home', title: 'Home' },
    });
    expect(events.find(({ type }) => type === 'signup')?.data.properties).toEqual({ plan: 'pro' });
  });

  it('@umami/node: on 429 it sends nothing again, and hands the answer to who called', async () => {
    const client = new Umami({ websiteId: WRITE_KEY, hostUrl: stack.url });
    const from = stack.answers.length;
    let answer: Promise<Response> | undefined;
    await stack.overload(1, () => {
      answer = client.track('busy', {});
    });
    expect((await answer)?.status).toBe(429);
    expect((await client.track('later', {})).status).toBe(200);
    expect(await arrived(1)).toMatchObject([{ type: 'later' }]);
    expect(statusesFrom(from)).toEqual([429, 200]);
  });

  it('@openpanel/sdk: each event arrives once, on 429 too', async () => {
    const client = new OpenPanel({ clientId: 'a-client', clientSecret: WRITE_KEY, apiUrl: stack.url });
    expect(await client.track('bought', { profileId: 'op-1', size: 'M' })).toEqual({ deviceId: '', sessionId: '' });
    const [event] = await arrived(1);
    expect(event).toMatchObject({ type: 'bought', subject: 'op-1', data: { properties: { size: 'M' } } });
    const from = stack.answers.length;
    let busy: Promise<unknown> | undefined;
    await stack.overload(1, () => {
      busy = client.track('busy', { profileId: 'op-1' });
    });
    expect(await busy).toEqual({ deviceId: '', sessionId: '' });
    const statuses = statusesFrom(from);
    expect([statuses[0], statuses.at(-1)]).toEqual([429, 200]);
    expect(await arrived(1)).toMatchObject([{ type: 'busy', subject: 'op-1' }]);
  });

  it('@jitsu/js: each event arrives once, with its visitor and properties', async () => {
    const client = jitsuAnalytics({ host: stack.url, writeKey: JITSU_KEY, fetch });
    await client.identify('ji-1', { plan: 'pro' });
    await client.track('Order Completed', { order_id: 'T-4', total: 3, currency: 'EUR' });
    await client.page({ url: 'https://x.example/a' });
    const events = await arrived(3);
    const order = events.find(({ type }) => type === 'purchase');
    expect(order).toMatchObject({
      subject: 'ji-1',
      data: { userId: 'ji-1', properties: { transaction_id: 'T-4', value: 3, currency: 'EUR' } },
    });
    const { anonymousId } = order?.data ?? {};
    expect(anonymousId).toEqual(expect.any(String));
    expect(events.find(({ type }) => type === 'identify')?.data).toMatchObject({ anonymousId, userId: 'ji-1' });
    expect(events.find(({ type }) => type === 'page_view')?.data).toMatchObject({ anonymousId, page: { path: '/a' } });
  });

  it('@jitsu/js: on 429 it sends nothing again, and reports nothing but a line on the console', async () => {
    const client = jitsuAnalytics({ host: stack.url, writeKey: JITSU_KEY, fetch });
    const from = stack.answers.length;
    const complaints = vi.spyOn(console, 'error').mockImplementation(() => {});
    let told: Promise<unknown> | undefined;
    await stack.overload(1, () => {
      told = client.track('Busy');
    });
    await expect(told).resolves.not.toBeInstanceOf(Error);
    expect(complaints.mock.calls.flat().join()).toContain('429');
    complaints.mockRestore();
    await client.track('Later');
    expect(await arrived(1)).toMatchObject([{ type: 'Later' }]);
    expect(statusesFrom(from)).toEqual([429, 200]);
  });
});
