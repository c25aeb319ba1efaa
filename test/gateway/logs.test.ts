import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { createLogger } from '../../src/shared/logger.js';
import { createGatewayRig, WRITE_KEY } from './rig.js';

/** A word that stands out, in everything that tells who somebody is. */
const MARK = 'erika-mustermann';
const IP = '203.0.113.77';

const person = {
  // Of an event, and not of a person: the log may tell it.
  id: 'an-event',
  anonymousId: MARK,
  userId: `${MARK}@example.org`,
  sessionId: MARK,
  page: { url: `https://shop.example/?email=${MARK}`, title: MARK, referrer: MARK },
  properties: { name: MARK },
  context: { ip: IP, userAgent: MARK },
};

it('the log holds nothing of persons and no key, whatever happens to their events', async () => {
  let log = '';
  const destination = new PassThrough().on('data', (line: Buffer) => {
    log += line.toString();
  });
  const rig = await createGatewayRig({
    logger: createLogger('test', 'trace', destination),
    gateway: { hotVisitors: { eventsPerSecond: 1, action: 'drop' } },
  });
  const headers = {
    'x-forwarded-for': IP,
    'user-agent': MARK,
    cookie: MARK,
    referer: MARK,
    origin: `https://${MARK}.example`,
  };
  const bodies = [
    { type: 'page_view', ...person },
    { type: 'purchase', transaction_id: MARK, value: 1, currency: 'EUR', ...person },
    { type: 'purchase', ...person },
    { type: MARK.repeat(20), ...person },
    `{"type":"${MARK}"`,
    `${MARK}\n${MARK}`,
  ];
  const send = async () => {
    for (const body of bodies) await rig.post(body, headers);
    await rig.post(Buffer.from(MARK), { ...headers, 'content-encoding': 'gzip' });
    await rig.post(bodies[0] as object, { ...headers, authorization: `Bearer ${MARK}-of-nobody` });
    const query = `writeKey=${WRITE_KEY}&userId=${MARK}&url=${MARK}`;
    await rig.app.inject({ url: `/v1/pixel.gif?${query}`, headers });
    await rig.app.inject({ url: `/${MARK}/%c0?${query}`, headers });
    await rig.app.inject({ url: `/track?data=${MARK}`, headers });
    await rig.app.inject({ method: 'POST', url: '/api/send', headers, payload: bodies[0] as object });
    await rig.app.inject({ method: 'POST', url: `/webhooks/stripe/${MARK}`, headers, payload: MARK });
  };
  await send();
  // One visitor who sends too much.
  const flood = Array.from({ length: 5000 }, () => ({ type: 'click', anonymousId: MARK }));
  for (let second = 0; second < 12; second++) {
    await rig.post(flood, headers);
    await rig.passTime(1000);
  }
  rig.brokers.state.hubFailure = 'PS_PUBLISH_UNAVAILABLE';
  rig.brokers.state.topicFailure = 'PS_PUBLISH_TIMEOUT';
  await send();
  await rig.gateway.stop({ deadlineMs: 100 });
  // Something was logged, and it was not this.
  expect(log).toContain('sink is down');
  expect(log).toContain('a visitor sends more than one partition should bear');
  expect(log.includes(MARK)).toBe(false);
  expect(log.includes('203.0.113')).toBe(false);
  expect(log.includes(WRITE_KEY)).toBe(false);
});
