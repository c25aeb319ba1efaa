import { describe, expect, it } from 'vitest';
import { createReplay } from './replay.js';

const replay = createReplay('rudderstack');

describe('RudderStack', () => {
  it('the browser SDK is given the source without which it sends nothing, and no destinations', async () => {
    const { answers } = await replay(['source config']);
    expect(answers[0]?.json()).toMatchObject({
      source: { id: 'a-write-key', enabled: true, destinations: [], config: { statsCollection: expect.anything() } },
    });
  });

  it('its events are those of Segment, and `$direct` is no referrer', async () => {
    const { answers, clicks, orders } = await replay(['page', 'identify', 'track']);
    expect(answers.map((answer) => answer.json())).toEqual(Array(3).fill({ success: true }));
    const who = { anonymousId: '1e3a63c7-1af7-44e8-ac0f-6290dfb05567', sessionId: '1795763454502' };
    expect(clicks).toMatchObject([
      {
        type: 'page_view',
        id: '64d3c309-e4c8-422e-83d4-0dca5aa0a2f7',
        data: {
          ...who,
          page: { path: '/shoes', title: 'Shop' },
          context: { locale: 'de-DE', campaign: { name: 'spring' } },
        },
      },
      { type: 'identify', data: { ...who, userId: 'user-1', properties: { context_traits: { plan: 'pro' } } } },
    ]);
    for (const { data } of clicks) expect(data.page).not.toHaveProperty('referrer');
    expect(orders).toMatchObject([
      { type: 'purchase', data: { ...who, userId: 'user-1', properties: { transaction_id: 'R-1', value: 12.5 } } },
    ]);
  });

  it('its beacons, which have no headers, are batches', async () => {
    const { answers, clicks } = await replay(['beacon']);
    expect(answers[0]?.json()).toEqual({ success: true });
    expect(clicks.map(({ type }) => type)).toEqual(['page_view', 'play_song']);
  });
});
