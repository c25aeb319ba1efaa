import { expect, it } from 'vitest';
import type { Whereabouts } from '../../src/gateway/where.js';
import { createGatewayRig } from './rig.js';

const where = async (rig: Awaited<ReturnType<typeof createGatewayRig>>, id: string) =>
  (await rig.app.inject({ url: '/where', query: { id } })).json<Whereabouts>();
const order = (id: string) => ({ type: 'purchase', id, transaction_id: 'T1', value: 5, currency: 'EUR' });

it('this machine is told where an event is, as far as the gateway remembers', async () => {
  const rig = await createGatewayRig();
  const receivedAt = new Date(rig.clock.now()).toISOString();
  const times = { source: 'shop', receivedAt, settledAt: receivedAt };
  await rig.results([{ type: 'page_view', id: 'a', anonymousId: 'v' }, order('p'), { type: 5, id: 'bad' }]);
  await rig.passTime(1_000);
  await rig.results(order('q'));
  const atHub = { ...times, outcome: 'accepted', durability: 'broker', destination: 'hub:clicks' };
  expect(await where(rig, 'a')).toEqual({
    id: 'a',
    outcomes: [{ ...atHub, eventId: 'a', partition: expect.any(Number) as number }],
    remembers: { acceptedIds: 3, acceptedSince: receivedAt, others: 2, othersSince: receivedAt },
  });
  const atTopic = { outcome: 'accepted', destination: 'topic:events', messageId: 'purchase:T1', eventId: 'p' };
  expect((await where(rig, 'p')).outcomes).toMatchObject([atTopic]);
  expect((await where(rig, 'purchase:T1')).outcomes).toMatchObject([atTopic]);
  expect((await where(rig, 'q')).outcomes).toMatchObject([
    { outcome: 'duplicate', reason: 'known', duplicateOf: { id: 'p', settledAt: receivedAt } },
  ]);
  expect((await where(rig, 'bad')).outcomes).toEqual([
    { ...times, eventId: 'bad', outcome: 'rejected', reason: 'invalid_type' },
  ]);
  expect((await where(rig, 'never')).outcomes).toEqual([]);
});

it('an event without an id of its own is found by the one that it was given', async () => {
  const rig = await createGatewayRig();
  const [result] = await rig.results({ type: 'generate_lead' });
  const id = String(result?.id);
  expect((await where(rig, id)).outcomes).toMatchObject([{ outcome: 'accepted', messageId: id }]);
});

it('strangers are told that there is nothing', async () => {
  const rig = await createGatewayRig();
  await rig.results({ type: 'page_view', id: 'a' });
  for (const elsewhere of [{ headers: { 'x-forwarded-for': '1.2.3.4' } }, { remoteAddress: '192.0.2.1' }]) {
    const response = await rig.app.inject({ url: '/where?id=a', ...elsewhere });
    expect([response.statusCode, response.json()]).toMatchObject([404, { code: 'PS_NOT_FOUND' }]);
  }
  expect((await rig.app.inject('/where')).statusCode).toBe(400);
});
