import { randomUUID } from 'node:crypto';
import rhea, { type Connection, type EventContext, type Message } from 'rhea';
import type { TestBroker } from '../helpers/broker.js';

export interface ManagementAnswer {
  readonly statusCode: number;
  readonly errorCondition: unknown;
  readonly body: unknown;
}

/** One request to the management node of an entity, for operations that the installed client does not have. */
export async function requestManagement(
  broker: TestBroker,
  entity: string,
  operation: string,
  body: Record<string, unknown>,
): Promise<ManagementAnswer> {
  const username = 'RootManageSharedAccessKey';
  const password = /SharedAccessKey=([^;]+)/.exec(broker.connectionString)?.[1] ?? '';
  const container = rhea.create_container({ id: randomUUID() });
  const connection = container.connect({ host: '127.0.0.1', port: broker.port, username, password, reconnect: false });
  const answer = await requestOn(connection, entity, { operation, body });
  connection.close();
  return answer;
}

interface Request {
  readonly operation: string;
  readonly body: Record<string, unknown>;
}

/** The same on a connection that is there: what holds a session may ask for it. */
export async function requestOn(
  connection: Connection,
  entity: string,
  { operation, body }: Request,
): Promise<ManagementAnswer> {
  const address = `${entity}/$management`;
  const receiver = connection.open_receiver({ source: { address }, target: { address: 'answers' } });
  const answered = new Promise<Message>((resolve, reject) => {
    receiver.once('message', ({ message }: EventContext) => resolve(message as Message));
    connection.once('disconnected', () => reject(new Error('the connection was lost')));
  });
  const sender = connection.open_sender({ target: { address } });
  await new Promise((resolve) => sender.once('sendable', resolve));
  sender.send({ message_id: '1', reply_to: 'answers', application_properties: { operation }, body });
  const { application_properties, body: answer } = await answered;
  sender.close();
  receiver.close();
  return {
    statusCode: application_properties?.['statusCode'] as number,
    errorCondition: application_properties?.['errorCondition'],
    body: answer,
  };
}
