import { describe, expect, it } from 'vitest';
import { createReplay } from './replay.js';

const replay = createReplay('openpanel');

describe('OpenPanel', () => {
  it('events of the Node SDK, with its secret as the write key', async () => {
    const { answers, clicks } = await replay(['screen view', 'identify', 'event', 'revenue', 'increment']);
    for (const answer of answers) expect(answer).toMatchObject({ status: 200, body: '{"deviceId":"","sessionId":""}' });
    expect(clicks.map(({ type, data }) => ({ type, userId: data.userId, properties: data.properties }))).toEqual(
      expect.arrayContaining([
        { type: 'page_view', userId: 'p1', properties: { event_name: 'screen_view' } },
        { type: 'identify', userId: 'u1', properties: { firstName: 'A', properties: { a: 1 } } },
        { type: 'buy', userId: 'u1', properties: { a: 1 } },
        { type: 'revenue', userId: 'u1', properties: { orderId: 'T', __revenue: 500 } },
        { type: 'increment', userId: 'u1', properties: { property: 'x', value: 1 } },
      ]),
    );
    expect(clicks.find(({ type }) => type === 'page_view')?.data.page).toMatchObject({ path: '/a', title: 'T' });
  });

  it('a browser has no secret: its client is the key', async () => {
    const { answers, clicks } = await replay(['browser screen view']);
    expect(answers[0]?.status).toBe(200);
    expect(clicks).toMatchObject([{ type: 'page_view', data: { page: { path: '/page/openpanel' } } }]);
  });

  it('is refused in JSON', async () => {
    const { answers } = await replay(['event'], { down: true });
    expect([answers[0]?.status, answers[0]?.json()]).toMatchObject([503, { code: 'PS_BROKER_UNAVAILABLE' }]);
  });

  it('reads the campaign in the address', async () => {
    const { clicks } = await replay(['landing page']);
    expect(clicks[0]?.data.context.campaign).toEqual({ source: 'mail' });
  });
});
