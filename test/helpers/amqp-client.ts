import { once } from 'node:events';
import rhea, { type Connection } from 'rhea';
import type { TestBroker } from './broker.js';

/** What a client of any other library would use: rhea with the key of the broker. */
export async function connectRaw(
  broker: Pick<TestBroker, 'port' | 'connectionString'>,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<Connection> {
  const username = 'RootManageSharedAccessKey';
  const password = /SharedAccessKey=([^;]+)/.exec(broker.connectionString)?.[1] ?? '';
  const connection = rhea
    .create_container()
    .connect({ host: '127.0.0.1', port: broker.port, username, password, reconnect: false, ...settings } as never);
  for (const event of [
    'connection_error',
    'session_error',
    'sender_error',
    'receiver_error',
    'disconnected',
    'error',
  ]) {
    connection.on(event, () => {});
  }
  await once(connection as never, 'connection_open');
  return connection;
}
