import { describe, expect, it } from 'vitest';
import { createReplay } from './replay.js';

const replay = createReplay('mixpanel');

describe('Mixpanel', () => {
  it('events of the Node SDK in query and form are answered with 1', async () => {
    const { answers, clicks } = await replay(['track by GET', 'track_batch', 'alias']);
    expect(answers).toMatchObject([
      { status: 200, body: '1' },
      { status: 200, body: '1' },
      { status: 200, body: '1' },
    ]);
    expect(clicks.find(({ type }) => type === 'Viewed')?.data).toMatchObject({
      userId: 'u1',
      properties: { a: 1, mp_lib: 'node' },
      context: { ip: '1.2.3.0' },
    });
    expect(clicks.filter(({ type }) => type === 'A' || type === 'B').map(({ data }) => data.occurredAt)).toEqual([
      '2026-11-23T03:04:36.217Z',
      '2026-11-23T03:04:36.217Z',
    ]);
    expect(clicks.find(({ type }) => type === 'alias')?.data.properties).toMatchObject({ alias: 'anon' });
    expect(JSON.stringify(clicks)).not.toContain('a-write-key');
  });

  it('what is said about people and groups is identify and group', async () => {
    const { answers, clicks } = await replay(['people.set', 'people.track_charge', 'browser engage', 'groups']);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(answers[3]?.json()).toEqual({ status: 1, error: null });
    const own = clicks.map(({ type, data }) => ({ type, userId: data.userId, properties: data.properties }));
    expect(own).toEqual(
      expect.arrayContaining([
        { type: 'identify', userId: 'u1', properties: { $set: { plan: 'x' } } },
        { type: 'identify', userId: 'u1', properties: { $append: { $transactions: { $amount: 30 } } } },
        {
          type: 'group',
          userId: undefined,
          properties: { $group_key: 'company', $group_id: 'c1', $set: { a: 1 } },
        },
      ]),
    );
  });

  it('a browser before and after it is identified is one visitor', async () => {
    const { answers, clicks } = await replay(['browser track']);
    expect(answers[0]?.json()).toEqual({ status: 1, error: null });
    const anonymousId = 'f827b118-f824-4b46-a60f-4782772a0dff';
    expect(clicks.map(({ id, type, data }) => [id, type, data.anonymousId, data.userId])).toEqual([
      ['8b6r8tbpviih7aej', 'page_view', anonymousId, undefined],
      ['fmglotp6bguwfszq', 'Thing', anonymousId, undefined],
      ['v38ytuuim79461ms', 'identify', anonymousId, 'u1'],
      ['shyp6sk52bsxwled', 'After', anonymousId, 'u1'],
    ]);
    // Seconds with a fraction, by a clock that said when it sent them.
    expect(clicks[0]).toMatchObject({
      time: '2026-11-21T11:59:54.971Z',
      data: { occurredAt: '2026-11-23T03:16:43.138Z', page: { title: 'T' } },
    });
  });

  it('who is identified by a server is the visitor that it names', async () => {
    const { clicks } = await replay(['create identity']);
    expect(clicks).toHaveLength(2);
    expect(clicks).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ data: expect.objectContaining({ anonymousId: 'd1', userId: 'u1' }) }),
        expect.objectContaining({ data: expect.objectContaining({ anonymousId: 'd2', userId: 'u2' }) }),
      ]),
    );
  });

  it('one bad event does not cost the others, and is told of', async () => {
    const { answers, orders } = await replay(['json']);
    expect(answers[0]?.json()).toMatchObject({
      status: 1,
      error: 'm2: required /properties/transaction_id',
      rejected: [{ id: 'm2', reason: 'required' }],
    });
    expect(orders).toMatchObject([{ id: 'm1', time: '2026-11-21T11:59:59.000Z' }]);
  });

  it('events of two sites in one request are refused, and what cannot be kept is not a success', async () => {
    const { answers, clicks } = await replay(['two tokens']);
    expect(answers).toMatchObject([{ status: 400, body: '0' }]);
    expect(clicks).toEqual([]);
    const { answers: busy } = await replay(['track by GET', 'groups'], { down: true });
    expect(busy[0]).toMatchObject({ status: 503, body: '0', headers: { 'retry-after': '1' } });
    expect(busy[1]?.json()).toMatchObject({ status: 0, code: 'PS_BROKER_UNAVAILABLE' });
  });

  it.each(['browser track, address not wanted', 'node people.set, no address of its own', 'profile with address 0'])(
    '%s: then none is kept',
    async (name) => {
      const { answers, clicks } = await replay([name]);
      expect(answers[0]?.status).toBe(200);
      expect(clicks.map(({ data }) => data.context.ip)).toEqual(['0.0.0.0']);
    },
  );

  it('a page may read the answer, which the browser library asks for with credentials', async () => {
    const { answers } = await replay(['browser autocapture', 'engage of who is not identified', 'browser groups']);
    for (const { status, headers } of answers) {
      expect(status).toBe(200);
      expect(headers).toMatchObject({
        'access-control-allow-origin': expect.stringMatching(/^http:/),
        'access-control-allow-credentials': 'true',
      });
    }
  });

  it('a click that the browser library captured by itself tells where its link leads', async () => {
    const { clicks } = await replay(['browser autocapture']);
    expect(clicks).toMatchObject([
      {
        id: 'yi4ju925avhtm7cs',
        type: 'click',
        data: { page: { path: '/shoes' }, properties: { link_url: '#x', event_name: '$mp_click' } },
      },
    ]);
  });

  it('what is left when a page goes away comes as a beacon', async () => {
    const { answers, clicks } = await replay(['browser beacon']);
    expect(answers[0]?.json()).toEqual({ status: 1, error: null });
    expect(clicks).toMatchObject([{ type: 'Leaving', id: 'tpq3o3zhojx08ky5', data: { page: { path: '/shoes' } } }]);
  });

  it('who has not been identified is no user in a profile either', async () => {
    const { clicks } = await replay(['engage of who is not identified']);
    expect(clicks).toMatchObject([
      { type: 'identify', data: { anonymousId: 'd-1', properties: { $set: { plan: 'x' } } } },
    ]);
    expect(clicks[0]?.data).not.toHaveProperty('userId');
  });
});
