import { ServiceBusClient } from '@azure/service-bus';
import rhea, { type Connection, type Receiver, type Session } from 'rhea';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestBroker, type TestBroker } from '../../helpers/broker.js';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startTestBroker();
});
afterAll(() => broker.remove());

const username = 'RootManageSharedAccessKey';

function connect(): Connection {
  const password = /SharedAccessKey=([^;]+)/.exec(broker.connectionString)?.[1] ?? '';
  const container = rhea.create_container({ id: 'sessions' });
  return container.connect({ host: '127.0.0.1', port: broker.port, username, password, reconnect: false });
}

/** A receiver with credit, in a session of its own. */
async function receiveIn(connection: Connection): Promise<Session> {
  const session = (connection as unknown as { create_session(): Session }).create_session();
  session.begin();
  const source = { address: 'events/Subscriptions/audit' };
  const receiver: Receiver = session.open_receiver({ source, credit_window: 0, autoaccept: false });
  await new Promise((resolve) => receiver.once('receiver_open', resolve));
  receiver.add_credit(10);
  return session;
}

it('gives nothing more to the receivers of an AMQP session that was ended without a word about them', async () => {
  const connection = connect();
  const session = await receiveIn(connection);
  const closed = new Promise((resolve) => session.once('session_close', resolve));
  session.close();
  await closed;

  const client = new ServiceBusClient(broker.connectionString);
  await client.createSender('events').sendMessages([
    { messageId: 'a', body: 'a' },
    { messageId: 'b', body: 'b' },
  ]);
  const receiver = client.createReceiver('events', 'audit');
  const got = await receiver.receiveMessages(2, { maxWaitTimeInMs: 10_000 });
  expect(got.map(({ body, deliveryCount }) => [body, deliveryCount])).toEqual([
    ['a', 0],
    ['b', 0],
  ]);
  await client.close();
  connection.close();
});
