import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hub, queue, startTestBroker, type TestBroker } from '../../helpers/broker.js';
import { attachReceiver, begin, conditionOf, keyOf, openFrames } from '../../helpers/frame-client.js';

let broker: TestBroker;
beforeAll(async () => {
  const queues = [queue('sessions', { requiresSession: true })];
  broker = await startTestBroker({ queues, topics: [], hubs: [hub('clicks')] });
});
afterAll(() => broker.remove());

const PARTITION = 'clicks/ConsumerGroups/$Default/Partitions/0';
const EPOCH = 'com.microsoft:epoch';
const SESSION = 'com.microsoft:session-filter';
const TIMEOUT = 'com.microsoft:timeout';
const SELECTOR = 'apache.org:selector-filter:string';

/** How an attach is refused: its condition and what it says. */
async function refusal(address: string, fields: Readonly<Record<string, unknown>>): Promise<string> {
  const client = await openFrames(broker.port, keyOf(broker.connectionString));
  try {
    client.send(begin(), 1);
    client.send(attachReceiver(0, address, fields), 1);
    const detach = await client.await('detach');
    const { description } = (detach?.performative['error'] ?? {}) as { description?: string };
    return detach ? `${conditionOf(detach)} ${description}` : 'the connection ended';
  } finally {
    client.destroy();
  }
}

describe('a field of an attach that cannot be what it should', () => {
  it.each([1.5, -1, 'high', true])('is refused and named, where it is the epoch %j', async (epoch) => {
    const answer = await refusal(PARTITION, { properties: { [EPOCH]: epoch } });
    expect(answer).toBe(`amqp:invalid-field ${EPOCH}: a whole number, 0 or more, is expected.`);
  });

  it.each([
    ['the position of a reader', PARTITION, { filter: { [SELECTOR]: 'somewhere' } }, SELECTOR],
    ['the id of a session', 'sessions', { filter: { [SESSION]: 17 } }, SESSION],
    ['the wait for a session', 'sessions', { filter: { [SESSION]: null }, properties: { [TIMEOUT]: 'long' } }, TIMEOUT],
    [
      'a wait of less than nothing',
      'sessions',
      { filter: { [SESSION]: null }, properties: { [TIMEOUT]: -5 } },
      TIMEOUT,
    ],
  ])('is refused and named, where it is %s', async (_what, address, fields, name) => {
    expect(await refusal(address, fields)).toContain(`amqp:invalid-field ${name}: `);
  });
});
