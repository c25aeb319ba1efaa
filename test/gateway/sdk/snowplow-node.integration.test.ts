import {
  buildEcommerceTransaction,
  buildPageView,
  buildSelfDescribingEvent,
  buildStructEvent,
  newTracker,
} from '@snowplow/node-tracker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../helpers/wait.js';
import { only, type SdkStack, startSdkStack, WRITE_KEY } from './stack.js';

describe('@snowplow/node-tracker', () => {
  let stack: SdkStack;
  beforeAll(async () => {
    stack = await startSdkStack();
  });
  afterAll(() => stack.stop());

  /** A tracker, and what it was told of its requests. */
  const createTracker = (eventMethod: 'post' | 'get', appId = WRITE_KEY) => {
    const told: { status: number | undefined; willRetry: boolean; ids: unknown[] }[] = [];
    const tracker = newTracker(
      { namespace: 'srv', appId },
      {
        endpoint: stack.url,
        eventMethod,
        bufferSize: 1,
        onRequestSuccess: (events, { status }) =>
          void told.push({ status, willRetry: false, ids: events.map(({ eid }) => eid) }),
        onRequestFailure: ({ events, status, willRetry }) =>
          void told.push({ status, willRetry, ids: events.map(({ eid }) => eid) }),
      },
    );
    tracker.setUserId('user-1');
    tracker.setDomainUserId('visitor-1');
    return { tracker, told };
  };
  const idOf = (payload: object | undefined) => String((payload as { eid?: unknown } | undefined)?.eid);

  it.each([
    ['post', '/com.snowplowanalytics.snowplow/tp2'],
    ['get', '/i'],
  ] as const)('by %s each event arrives once, with its id, visitor, time and properties', async (method, path) => {
    const { tracker, told } = createTracker(method);
    const time = { type: 'ttm', value: Date.UTC(2026, 10, 20, 10) } as const;
    const before = (await stack.events(0)).length;
    const view = idOf(tracker.track(buildPageView({ pageUrl: 'https://x.example/a', pageTitle: 'A' }), [], time));
    const order = { orderId: `T-${method}`, total: 20, currency: 'EUR' };
    const purchase = idOf(tracker.track(buildEcommerceTransaction(order), [], time));
    const video = idOf(tracker.track(buildStructEvent({ category: 'media', action: 'play', value: 2 }), [], time));
    const plan = { schema: 'iglu:com.acme/plan_viewed/jsonschema/1-0-0', data: { plan: 'ü' } };
    const self = idOf(tracker.track(buildSelfDescribingEvent({ event: plan }), [], time));
    const events = await stack.events(before + 4);
    expect(events).toHaveLength(before + 4);
    const common = {
      source: 'shop',
      subject: 'user-1',
      time: '2026-11-20T10:00:00.000Z',
      data: { anonymousId: 'visitor-1' },
    };
    for (const id of [view, purchase, video, self]) expect(only(events, id)).toMatchObject(common);
    expect(only(events, view)).toMatchObject({ type: 'page_view', data: { page: { path: '/a', title: 'A' } } });
    expect(only(events, purchase)).toMatchObject({
      type: 'purchase',
      data: { properties: { transaction_id: order.orderId, value: 20, currency: 'EUR' } },
    });
    expect(only(events, video)).toMatchObject({
      type: 'play',
      data: { properties: { se_category: 'media', value: 2 } },
    });
    expect(only(events, self)).toMatchObject({ type: 'plan_viewed', data: { properties: plan.data } });
    await waitFor('the tracker to be told', () => told.flatMap(({ ids }) => ids).length === 4);
    expect(new Set(told.map(({ status }) => status))).toEqual(new Set([200]));
    expect(stack.answers.filter(({ url }) => url.startsWith(path)).length).toBeGreaterThan(0);
  });

  it('on 429 it keeps the event, and sends it once more with the next flush', async () => {
    const { tracker, told } = createTracker('post');
    const before = (await stack.events(0)).length;
    let id = '';
    await stack.overload(1, () => {
      id = idOf(tracker.track(buildStructEvent({ category: 'c', action: 'busy' })));
    });
    await waitFor('the tracker to be told', () => told.length === 1);
    await tracker.flush();
    await waitFor('the tracker to be told again', () => told.length === 2);
    expect(told).toEqual([
      { status: 429, willRetry: true, ids: [id] },
      { status: 200, willRetry: false, ids: [id] },
    ]);
    const events = await stack.events(before + 1);
    expect(only(events, id).type).toBe('busy');
    expect(events).toHaveLength(before + 1);
  });

  it('what is not taken is not sent again', async () => {
    const stranger = createTracker('post', 'of nobody');
    stranger.tracker.track(buildStructEvent({ category: 'c', action: 'a' }));
    const { tracker, told } = createTracker('post');
    tracker.track(buildEcommerceTransaction({ orderId: 'T', total: 5 }));
    await waitFor('both to be told', () => stranger.told.length === 1 && told.length === 1);
    expect([stranger.told, told]).toMatchObject([
      [{ status: 401, willRetry: false }],
      [{ status: 400, willRetry: false }],
    ]);
  });
});
