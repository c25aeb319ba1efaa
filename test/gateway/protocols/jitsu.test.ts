import { describe, expect, it } from 'vitest';
import { createReplay } from './replay.js';

const replay = createReplay('jitsu');

describe('Jitsu', () => {
  it("messages of its SDK are Segment's, with their ids and visitors", async () => {
    const { answers, clicks, orders } = await replay(['identify', 'track', 'page', 'group']);
    for (const answer of answers) expect(answer).toMatchObject({ status: 200, body: '{"ok":true}' });
    const data = { anonymousId: 'b271643b-4376-4705-b537-667934827e3b', userId: 'u1' };
    expect(orders).toMatchObject([
      {
        type: 'purchase',
        id: 'bptz0ze13j59mvv85t1p',
        data: { ...data, properties: { transaction_id: 'T1', value: 3, currency: 'EUR' } },
      },
    ]);
    expect(clicks).toMatchObject([
      { type: 'identify', id: '206ce1mihmd28pvkwpzbr3', data: { ...data, properties: { traits: { email: 'x' } } } },
      { type: 'page_view', data: { ...data, page: { url: 'https://shop.example/a', path: '/a' } } },
      { type: 'group', data: { ...data, properties: { group_id: 'g1' } } },
    ]);
  });

  it('is refused in JSON', async () => {
    const { answers } = await replay(['track'], { down: true });
    expect([answers[0]?.status, answers[0]?.json()]).toMatchObject([503, { code: 'PS_BROKER_UNAVAILABLE' }]);
  });
});
