import { runInNewContext } from 'node:vm';
import { describe, expect, it, vi } from 'vitest';
import { createGatewayRig, WRITE_KEY } from '../rig.js';
import { createReplay } from './replay.js';

const replay = createReplay('posthog');
const OK = { status: 200, body: '{"status":"Ok"}' };

describe('PostHog', () => {
  it('a batch of the Node SDK keeps ids, users and times, and its own events get plain names', async () => {
    const { answers, clicks, orders } = await replay(['posthog-node batch']);
    expect(answers).toMatchObject([OK]);
    expect(orders).toMatchObject([
      {
        type: 'purchase',
        id: '01a2065c-ce40-7a52-81bf-0c730b4c235b',
        subject: 'u1',
        data: {
          userId: 'u1',
          occurredAt: '2026-11-23T03:04:35.136Z',
          sentAt: '2026-11-23T03:04:35.137Z',
          properties: { transaction_id: 'T1', event_name: 'Order Completed', $groups: { company: 'c1' } },
        },
      },
    ]);
    expect(clicks.map(({ type }) => type).sort()).toEqual(['alias', 'group', 'identify', 'page_view']);
    expect(clicks.find(({ type }) => type === 'page_view')).toMatchObject({
      time: '2026-11-21T11:59:59.998Z',
      data: { userId: 'u1', page: { url: 'https://shop.example/a?b=1', path: '/a', title: 'T' } },
    });
    expect(clicks.find(({ type }) => type === 'identify')?.data.properties).toMatchObject({
      $set: { email: 'a@b' },
      event_name: '$identify',
    });
  });

  it('a page view of the browser library has visitor, session, page and client where they belong', async () => {
    const { answers, clicks } = await replay(['posthog-js page view']);
    expect(answers).toMatchObject([OK]);
    expect(clicks).toMatchObject([
      {
        id: '01a20668-988f-79b7-9f60-839e576c62ed',
        type: 'page_view',
        data: {
          anonymousId: '01a20668-980d-7921-aed7-af401513c3fd',
          userId: 'u1',
          sessionId: '01a20668-9871-711b-b0e1-616230d11a1d',
          page: { url: 'https://shop.example/page/posthog', path: '/page/posthog', title: 'T' },
          context: { device: 'desktop', locale: 'en-US' },
          properties: { $lib: 'web', $screen_width: 1280 },
        },
      },
    ]);
    expect(JSON.stringify(clicks)).not.toContain('a-write-key');
  });

  it('who has identified is the visitor from before, and who has not is no user', async () => {
    const { clicks, orders } = await replay(['posthog-js identify', 'posthog-js event and page leave']);
    const anonymousId = '01a20668-980d-7921-aed7-af401513c3fd';
    expect(clicks).toMatchObject([
      { type: 'identify', data: { anonymousId, userId: 'u1', properties: { $set: { email: 'a@b' } } } },
      { type: 'page_leave', data: { anonymousId, userId: 'u1' } },
    ]);
    expect(orders).toMatchObject([{ type: 'purchase', subject: anonymousId, data: { anonymousId } }]);
    expect(orders[0]?.data).not.toHaveProperty('userId');
  });

  it('a click that was captured by itself tells where its link leads, and when it was', async () => {
    const { clicks } = await replay(['autocapture, time as offset']);
    expect(clicks).toMatchObject([
      {
        type: 'click',
        time: '2026-11-21T11:59:58.500Z',
        data: { anonymousId: 'dev-1', properties: { link_url: '/cart', link_text: 'Buy', event_name: '$autocapture' } },
      },
    ]);
  });

  it.each(['base64 form', 'lz64 form', 'get'])('%s is unpacked', async (name) => {
    const { answers, clicks } = await replay([name]);
    expect(answers).toMatchObject([OK]);
    expect(clicks).toMatchObject([
      {
        id: '01a20668-aaaa-7000-8000-000000000002',
        type: 'page_view',
        data: { page: { path: '/ü' }, context: { campaign: { source: 'mail', name: 'spring' } } },
      },
    ]);
  });

  it('single events go to capture and i/v0/e, and a time without a zone is UTC', async () => {
    const { answers, orders } = await replay(['capture', 'i/v0/e']);
    expect(answers).toMatchObject([OK, OK]);
    expect(orders).toMatchObject([
      { type: 'sign_up', data: { userId: 'u1', occurredAt: '2026-11-23T03:17:27Z', properties: { plan: 'pro' } } },
      { type: 'purchase', id: 'p1', data: { anonymousId: 'u1', properties: { transaction_id: 'T-9' } } },
    ]);
  });

  it('whoever asks for feature flags learns that there are none, when the key is good', async () => {
    const names = ['posthog-node flags', 'posthog-js flags', 'posthog-js config'];
    const { answers, clicks } = await replay(names);
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(answer.json()).toMatchObject({ flags: {}, errorsWhileComputingFlags: false, sessionRecording: false });
      // Told anything of surveys, even that there are none, posthog-js asks for their script.
      expect(answer.json()).not.toHaveProperty('surveys');
    }
    expect(clicks).toEqual([]);
  });

  it('posthog-js finds the same in the script that it asks for first, under any token', async () => {
    const { answers } = await replay(['posthog-js config script']);
    const [script] = answers;
    expect(script).toMatchObject({ status: 200, headers: { 'content-type': 'text/javascript; charset=utf-8' } });
    const window: Record<string, unknown> = { _POSTHOG_REMOTE_CONFIG: { other: 1 } };
    runInNewContext(script?.body ?? '', { window });
    expect(window['_POSTHOG_REMOTE_CONFIG']).toMatchObject({
      other: 1,
      'a-write-key': { config: { hasFeatureFlags: false, sessionRecording: false }, siteApps: [] },
    });
    const { app } = await createGatewayRig();
    const evil = await app.inject({ method: 'GET', url: `/array/${encodeURIComponent('"]=1;alert(1)//')}/config.js` });
    const alert = vi.fn();
    runInNewContext(evil.body, { window, alert });
    expect(alert).not.toHaveBeenCalled();
  });

  it('is told to send again what the brokers cannot take now', async () => {
    const { answers } = await replay(['posthog-node batch'], { down: true });
    expect(answers).toMatchObject([{ status: 503, headers: { 'retry-after': '1' } }]);
  });

  it('is never told 429, for which posthog-js throws events away', async () => {
    const rate = { eventsPerSecond: 1, burst: 1 };
    const gateway = { sources: [{ name: 'shop', keys: [{ writeKey: WRITE_KEY, kind: 'browser' as const, rate }] }] };
    const { answers } = await replay(['capture', 'posthog-js page view'], { gateway });
    expect(answers).toMatchObject([OK, { status: 503, headers: { 'retry-after': '1' } }]);
    expect(answers[1]?.json()).toMatchObject({ code: 'PS_RATE_LIMITED' });
  });

  it('who comes after a reset is a new visitor and no user, also when every visitor is a person', async () => {
    const { clicks } = await replay(['posthog-js before and after reset']);
    const [before, after] = clicks;
    expect(before).toMatchObject({
      type: 'before',
      data: { anonymousId: '01a21bd7-fee7-76ab-bec5-54fba6559774', userId: 'user-1' },
    });
    expect(after).toMatchObject({ type: 'after', data: { anonymousId: '01a21bd7-ff4c-7eb3-89b0-798079fd34ff' } });
    expect(after?.data).not.toHaveProperty('userId');
  });

  it('visitors in whose browsers nothing may be kept are not one visitor', async () => {
    const { answers, clicks } = await replay(['posthog-js without cookies']);
    expect(answers).toMatchObject([OK]);
    expect(clicks).toMatchObject([{ type: 'page_view', data: { properties: { $device_type: 'Console' } } }]);
    expect(clicks[0]?.data).not.toHaveProperty('anonymousId');
    expect(clicks[0]?.data).not.toHaveProperty('userId');
  });

  it('the clock of the Python SDK is corrected by when it sent', async () => {
    const { answers, clicks } = await replay(['posthog-python batch']);
    expect(answers).toMatchObject([OK]);
    expect(clicks).toMatchObject([{ type: 'upgraded', time: '2026-11-21T11:59:57.000Z', data: { userId: 'u1' } }]);
  });

  it('a page may read the answer, which older versions of posthog-js ask for with credentials', async () => {
    const { answers, clicks } = await replay(['older posthog-js, decide', 'older posthog-js, page view']);
    for (const { status, headers } of answers) {
      expect(status).toBe(200);
      expect(headers).toMatchObject({ 'access-control-allow-credentials': 'true' });
    }
    expect(clicks).toMatchObject([{ type: 'page_view', data: { page: { path: '/shoes', title: 'Shop' } } }]);
  });
});
