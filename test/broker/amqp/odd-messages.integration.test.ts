import rhea, { type Connection, type EventContext } from 'rhea';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BrokerStatus } from '../../../src/broker/status/index.js';
import { connectRaw } from '../../helpers/amqp-client.js';
import { queue, startTestBroker, subscription, type TestBroker, testTopology, topic } from '../../helpers/broker.js';
import { waitFor } from '../../helpers/wait.js';

const { types } = rhea;
const SYSTEM = ['SequenceNumber', 'EnqueuedTimeUtc', 'ScheduledEnqueueTimeUtc', 'ExpiresAtUtc', 'TimeToLive', 'Size'];

const ODD: readonly unknown[] = [
  '',
  'ünï/çødé',
  '..',
  '__proto__',
  'x'.repeat(129),
  true,
  -1,
  1.5,
  Number.NaN,
  types.wrap_long(Buffer.from('7fffffffffffffff', 'hex') as never),
  types.wrap_ulong(Buffer.from('ffffffffffffffff', 'hex') as never),
  types.wrap_uuid(Buffer.alloc(16, 9)),
  types.wrap_timestamp(8.64e15 + 1),
  types.wrap_timestamp(-8.64e15 - 1),
  types.wrap_timestamp(-62_135_596_800_001),
  types.wrap_symbol('a-symbol'),
  Buffer.alloc(3),
  { a: 1 },
  ['a', null],
];

const ANNOTATIONS = [
  'x-opt-partition-key',
  'x-opt-scheduled-enqueue-time',
  'x-opt-via-partition-key',
  'x-opt-publisher',
  'x-opt-sequence-number',
  'x-opt-enqueued-time',
  'x-opt-offset',
  'com.microsoft:producer-id',
  'com.microsoft:producer-sequence-number',
  '__proto__',
];
const PROPERTIES = ['message_id', 'correlation_id', 'group_id', 'reply_to_group_id', 'user_id'];

/** Messages of which each has one thing that nobody should send. */
function* oddMessages(): Generator<Record<string, unknown>> {
  for (const value of ODD) {
    for (const name of ANNOTATIONS) yield { body: 'x', message_annotations: { [name]: value } };
    for (const name of ['country', '__proto__', 'sys.MessageId', 'value'])
      yield { body: 'x', application_properties: { [name]: value } };
  }
  for (const value of ODD) for (const name of PROPERTIES) yield { body: 'x', [name]: value };
  for (const ttl of [0, 1, 0xffffffff]) yield { body: 'x', ttl };
  for (const time of [0, 8.64e15, 8.64e15 + 1, -1])
    yield { body: 'x', absolute_expiry_time: time, creation_time: time };
  yield { body: 'x', delivery_count: 0xffffffff, priority: 255, first_acquirer: true };
}

/** Encoded here: what the library refuses to encode (an id that is true or false) would end its connection. */
function encoded(message: Record<string, unknown>): Buffer[] {
  try {
    return [rhea.message.encode(message as never)];
  } catch {
    return [];
  }
}

describe('messages of which something is odd', () => {
  let broker: TestBroker;
  let connection: Connection;
  beforeAll(async () => {
    broker = await startTestBroker({
      queues: [queue('plain'), queue('unique', { requiresDuplicateDetection: true })],
      topics: [
        topic('events', {
          subscriptions: [
            subscription('all'),
            ...SYSTEM.map((name) =>
              subscription(name, { rules: [{ name: 'r', filter: { kind: 'sql', expression: `sys.${name} <> 0` } }] }),
            ),
            subscription('odd', {
              rules: [
                {
                  name: 'r',
                  filter: { kind: 'sql', expression: "country LIKE '%' OR value + 1 > 0 OR country IS NULL" },
                  action: "SET seen = country; SET sys.To = 'x'; REMOVE value",
                },
              ],
            }),
          ],
        }),
      ],
      hubs: testTopology.hubs,
    });
    connection = await connectRaw(broker);
  });
  afterAll(async () => {
    connection.close();
    await broker.remove();
  });

  /** Resolves with how many were taken; every one is answered. */
  async function sendAll(address: string): Promise<{ taken: number; refused: Map<string, number> }> {
    const sender = connection.open_sender({ target: { address } });
    const messages = [...oddMessages()].flatMap(encoded);
    const refused = new Map<string, number>();
    let taken = 0;
    let answers = 0;
    await new Promise<void>((resolve, reject) => {
      const answered = () => ++answers === messages.length && resolve();
      sender.on('accepted', () => {
        taken++;
        answered();
      });
      sender.on('rejected', ({ delivery }: EventContext) => {
        const { error } = (delivery as unknown as { remote_state: { error: { condition: string } } }).remote_state;
        refused.set(error.condition, (refused.get(error.condition) ?? 0) + 1);
        answered();
      });
      sender.on('sender_close', () => reject(new Error(String(sender.error))));
      connection.once('disconnected', () => reject(new Error('the connection was lost')));
      let next = 0;
      const send = () => {
        while (sender.sendable() && next < messages.length) sender.send(messages[next++] as never, undefined, 0);
      };
      sender.on('sendable', send);
      send();
    });
    sender.close();
    return { taken, refused };
  }

  /** Receives and completes all that is active; resolves with how many it was. Not the official client, which fails on some. */
  async function readAll(address: string, active: () => Promise<number | undefined>): Promise<number> {
    const receiver = connection.open_receiver({ source: { address }, credit_window: 500 });
    let received = 0;
    receiver.on('message', () => received++);
    await waitFor('all of it', async () => (await active()) === 0);
    receiver.close();
    return received;
  }

  async function status() {
    const response = await fetch(`http://127.0.0.1:${broker.port}/status`);
    return (await response.json()) as BrokerStatus;
  }

  it.each(['plain', 'unique'])('are answered and, where they were taken, can be read again: queue %s', async (name) => {
    const { taken, refused } = await sendAll(name);
    expect([...refused.keys()].filter((condition) => condition === 'amqp:internal-error')).toEqual([]);
    expect(taken).toBeGreaterThan(200);
    const active = async () => (await status()).queues.find((one) => one.name === name)?.counts.active;
    expect(await readAll(name, active)).toBeGreaterThan(100);
  });

  it('pass rules that look at what is odd', async () => {
    const { refused } = await sendAll('events');
    expect([...refused.keys()].filter((condition) => condition === 'amqp:internal-error')).toEqual([]);
    expect((await status()).topics[0]?.subscriptions.find(({ name }) => name === 'all')?.messagesIn).toBeGreaterThan(
      100,
    );
    for (const name of ['all', 'odd', ...SYSTEM]) {
      const one = async () => (await status()).topics[0]?.subscriptions.find((each) => each.name === name);
      await readAll(`events/Subscriptions/${name}`, async () => (await one())?.counts.active);
      await readAll(`events/Subscriptions/${name}/$DeadLetterQueue`, async () => (await one())?.counts.deadLetter);
    }
  });

  it('are events that can be read again', async () => {
    const { taken, refused } = await sendAll('clicks');
    expect([...refused.keys()].filter((condition) => condition === 'amqp:internal-error')).toEqual([]);
    // Not the official client: it cannot read a time beyond that of JavaScript's dates.
    let seen = 0;
    for (const partition of [0, 1, 2, 3]) {
      const address = `clicks/ConsumerGroups/$Default/Partitions/${partition}`;
      connection.open_receiver({ source: { address }, credit_window: 500 }).on('message', () => seen++);
    }
    await waitFor('all events', () => seen === taken);
  });
});
