import rhea from 'rhea';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hub, queue, startTestBroker, type TestBroker } from '../../helpers/broker.js';
import { attachReceiver, attachSender, begin, conditionOf, keyOf, openFrames } from '../../helpers/frame-client.js';

let broker: TestBroker;
beforeAll(async () => {
  const queues = [queue('plain'), queue('sessions', { requiresSession: true })];
  broker = await startTestBroker({ queues, topics: [], hubs: [hub('clicks')] });
});
afterAll(() => broker.remove());

const PARTITION = 'clicks/ConsumerGroups/$Default/Partitions/0';
const EPOCH = 'com.microsoft:epoch';
const SESSION = 'com.microsoft:session-filter';
const NAME = 'com.microsoft:receiver-name';
const IDEMPOTENT = 'com.microsoft:idempotent-producer';
const TIMEOUT = 'com.microsoft:timeout';
const SELECTOR = 'apache.org:selector-filter:string';

/** How an attach is refused: its condition and what it says. */
async function refusal(
  address: string,
  fields: Readonly<Record<string, unknown>>,
  attach = attachReceiver,
): Promise<string> {
  const client = await openFrames(broker.port, keyOf(broker.connectionString));
  try {
    client.send(begin(), 1);
    client.send(attach(0, address, fields), 1);
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

  it.each([
    ['of a hub', PARTITION, {}],
    ['of a queue', 'plain', {}],
    ['of a session', 'sessions', { filter: { [SESSION]: null } }],
  ])('is refused and named, where it is the name of a receiver %s', async (_what, address, fields) => {
    for (const name of [17, true, { a: 1 }, ['a']]) {
      const answer = await refusal(address, { ...fields, properties: { [NAME]: name } });
      expect(answer).toBe(`amqp:invalid-field ${NAME}: a string is expected.`);
    }
  });

  it.each([
    ['producer-id', 2 ** 53 - 1, [-1, 1.5, 'me', true, rhea.types.wrap_long(Buffer.alloc(8, 0x7f) as never)]],
    ['producer-epoch', 2 ** 15 - 1, [-1, 0.5, '0', {}, 2 ** 15]],
    ['producer-sequence-number', 2 ** 31 - 1, [-1, 0.5, 'first', [1], 2 ** 31]],
  ])('is refused and named, where it is the %s of an idempotent producer', async (short, most, values) => {
    const name = `com.microsoft:${short}`;
    for (const value of values) {
      const fields = { desired_capabilities: IDEMPOTENT, properties: { [name]: value } };
      const answer = await refusal('clicks/Partitions/0', fields, attachSender);
      expect(answer).toBe(`amqp:invalid-field ${name}: a whole number from 0 to ${most} is expected.`);
    }
  });
});
