import rhea, { type Connection, type EventContext, type Message } from 'rhea';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectRaw } from '../../helpers/amqp-client.js';
import { queue, startTestBroker, type TestBroker, testTopology } from '../../helpers/broker.js';

const { types } = rhea;
const LONG = 0x81;

const huge = types.wrap_long(Buffer.from('7fffffffffffffff', 'hex') as never);
const least = types.wrap_long(Buffer.from('8000000000000000', 'hex') as never);
const uuid = types.wrap_uuid(Buffer.alloc(16, 7));

/** What a field may wrongly hold. */
const VALUES: readonly unknown[] = [
  null,
  '',
  'text',
  '../..',
  'ünï/çødé\u0000',
  true,
  0,
  -1,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  huge,
  least,
  uuid,
  types.wrap_timestamp(8.64e15 + 1),
  types.wrap_symbol('a-symbol'),
  Buffer.alloc(3),
  [],
  [null],
  ['a', 1],
  types.wrap_array([1, -1], LONG, undefined),
  {},
  { expression: 5 },
  types.wrap_described([1], 5),
];

/** The fields of each operation, as a good request has them. */
const OPERATIONS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'renew-lock': { 'lock-tokens': types.wrap_array([Buffer.alloc(16)], 0x98, undefined) },
  'peek-message': { 'from-sequence-number': 1, 'message-count': 1, 'session-id': 's' },
  'schedule-message': { messages: [{ 'message-id': 'm', message: Buffer.from([0, 0x53, 0x77, 0x41]) }] },
  'cancel-scheduled-message': { 'sequence-numbers': types.wrap_array([1], LONG, undefined) },
  'receive-by-sequence-number': {
    'sequence-numbers': types.wrap_array([1], LONG, undefined),
    'receiver-settle-mode': 0,
    'session-id': 's',
  },
  'update-disposition': {
    'disposition-status': 'suspended',
    'lock-tokens': types.wrap_array([Buffer.alloc(16)], 0x98, undefined),
    'deadletter-reason': 'r',
    'deadletter-description': 'd',
    'properties-to-modify': {},
    'session-id': 's',
  },
  'batch-delete-messages': { 'message-count': 1, 'enqueued-time-utc': new Date(0) },
  'renew-session-lock': { 'session-id': 's' },
  'get-session-state': { 'session-id': 's' },
  'set-session-state': { 'session-id': 's', 'session-state': null },
  'get-message-sessions': { 'last-updated-time': new Date(0), skip: 0, top: 1 },
  'add-rule': { 'rule-name': 'r', 'rule-description': { 'sql-filter': { expression: '1=1' } } },
  'remove-rule': { 'rule-name': 'none' },
  'enumerate-rules': { top: 1, skip: 0 },
  'no-such-operation': {},
};

type Request = readonly [operation: unknown, body: unknown];

function* wrongRequests(): Generator<Request> {
  for (const [name, fields] of Object.entries(OPERATIONS)) {
    const operation = `com.microsoft:${name}`;
    for (const body of [undefined, null, 'text', 5, [], Buffer.alloc(2), {}]) yield [operation, body];
    for (const field of Object.keys(fields)) {
      const { [field]: _left, ...rest } = fields;
      yield [operation, rest];
      for (const value of VALUES) yield [operation, { ...fields, [field]: value }];
    }
  }
  for (const operation of VALUES) yield [operation, {}];
}

describe('a management node', () => {
  let broker: TestBroker;
  let connection: Connection;
  beforeAll(async () => {
    broker = await startTestBroker({
      ...testTopology,
      queues: [queue('plain'), queue('sessions', { requiresSession: true })],
    });
    connection = await connectRaw(broker);
  });
  afterAll(async () => {
    connection.close();
    await broker.remove();
  });

  /** Sends the requests to one node; resolves with the status of each that was answered. */
  async function ask(entity: string, requests: readonly Request[]): Promise<Map<number, number>> {
    const address = `${entity}/$management`;
    const replies = connection.open_receiver({
      source: { address },
      target: { address: `to-${entity}` },
      credit_window: 500,
    });
    const sender = connection.open_sender({ target: { address } });
    const statuses = new Map<number, number>();
    await new Promise<void>((resolve, reject) => {
      let next = 0;
      const send = () => {
        while (sender.sendable() && next < requests.length) {
          const [operation, body] = requests[next] as Request;
          const request = { message_id: next, reply_to: `to-${entity}`, application_properties: { operation }, body };
          sender.send(request as Message);
          next++;
        }
      };
      replies.on('message', ({ message }: EventContext) => {
        const properties = message?.application_properties ?? {};
        statuses.set(Number(message?.correlation_id), properties['statusCode'] ?? properties['status-code']);
        if (statuses.size === requests.length) resolve();
      });
      sender.on('rejected', ({ delivery }: EventContext) => reject(new Error(JSON.stringify(delivery?.remote_state))));
      sender.on('sender_close', () => reject(new Error('the link was closed')));
      connection.once('disconnected', () => reject(new Error('the connection was lost')));
      sender.on('sendable', send);
      send();
    });
    sender.close();
    replies.close();
    return statuses;
  }

  it.each(['plain', 'sessions', 'events', 'events/Subscriptions/audit', 'plain/$DeadLetterQueue', 'nowhere', 'clicks'])(
    'answers every request with missing and wrong fields, of %s, and never fails itself',
    async (entity) => {
      const requests = [...wrongRequests()];
      const statuses = await ask(entity, requests);
      const wrong = [...statuses].filter(
        ([, status]) => ![200, 204, 400, 401, 403, 404, 409, 410, 501].includes(status),
      );
      expect(wrong.map(([index, status]) => [status, requests[index]])).toEqual([]);
      expect(statuses.size).toBe(requests.length);
    },
  );
});
