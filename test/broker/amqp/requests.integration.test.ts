import rhea, { type Connection } from 'rhea';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectRaw } from '../../helpers/amqp-client.js';
import { queue, startTestBroker, type TestBroker, testTopology } from '../../helpers/broker.js';
import { askNode, fieldOf, OPERATIONS, type Request, STATUSES } from './management-node.js';

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

/** Good requests with one field left out, or with something else in it. */
function* wrongFields(): Generator<{ readonly field: string; readonly request: Request }> {
  for (const [name, fields] of Object.entries(OPERATIONS)) {
    const operation = `com.microsoft:${name}`;
    for (const field of Object.keys(fields)) {
      const { [field]: _left, ...rest } = fields;
      yield { field, request: [operation, rest] };
      for (const value of VALUES) yield { field, request: [operation, { ...fields, [field]: value }] };
    }
  }
}

function* wrongRequests(): Generator<Request> {
  for (const name of Object.keys(OPERATIONS)) {
    for (const body of [undefined, null, 'text', 5, [], Buffer.alloc(2), {}]) yield [`com.microsoft:${name}`, body];
  }
  for (const { request } of wrongFields()) yield request;
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

  it.each(['plain', 'sessions', 'events', 'events/Subscriptions/audit', 'plain/$DeadLetterQueue', 'nowhere', 'clicks'])(
    'answers every request with missing and wrong fields, of %s, and never fails itself',
    async (entity) => {
      const requests = [...wrongRequests()];
      const answers = await askNode(connection, entity, requests);
      expect(answers.length).toBe(requests.length);
      const wrong = answers.filter(({ status }) => !STATUSES.has(status));
      expect(wrong).toEqual([]);
    },
  );

  it.each(['plain', 'sessions', 'events', 'events/Subscriptions/audit'])(
    'names the field that is wrong, of %s',
    async (entity) => {
      const requests = [...wrongFields()];
      const answers = await askNode(
        connection,
        entity,
        requests.map(({ request }) => request),
      );
      const named = answers.map(({ condition, description }, index) => {
        const isArgument = condition === 'com.microsoft:argument-error';
        return [requests[index]?.field, isArgument ? fieldOf(description) : 'not its fault'];
      });
      expect(named.filter(([wrong, told]) => told !== wrong && told !== 'not its fault')).toEqual([]);
      expect(new Set(named.map(([, told]) => told)).size).toBeGreaterThan(5);
    },
  );
});
