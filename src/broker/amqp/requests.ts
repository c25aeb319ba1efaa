import rhea, { type Connection, type Message, type Sender } from 'rhea';
import { checkValues } from './gate/index.js';
import { countOutgoing } from './rhea-connection.js';

/** A request to $cbs or $management, decoded. */
export interface NodeRequest {
  readonly messageId: unknown;
  readonly replyTo: string | undefined;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/** Values in one request: there are requests for thousands of messages, by their numbers or lock tokens. */
const MAX_VALUES = 65_536;

/** @throws when the bytes are no AMQP message. */
export function decodeRequest(bytes: Buffer): NodeRequest {
  checkValues(bytes, MAX_VALUES);
  const message = rhea.message.decode(bytes as never) as unknown as Message;
  return {
    messageId: message.message_id,
    replyTo: message.reply_to,
    properties: (message.application_properties ?? {}) as Record<string, unknown>,
    body: message.body,
  };
}

/** A property as a string, where it is one. */
export function textProperty(request: NodeRequest, name: string): string | undefined {
  const value = Object.hasOwn(request.properties, name) ? request.properties[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}

/**
 * The link on which the answer goes. Clients name it by the link's name or by its target address, and some name nothing:
 * then it is the connection's only one at that node.
 */
export function replyLink(connection: Connection, node: string, replyTo: string | undefined): Sender | undefined {
  const atNode = (sender: Sender) => sender.source?.address?.toLowerCase().endsWith(node) ?? false;
  const named = (sender: Sender) => sender.name === replyTo || sender.target?.address === replyTo;
  return connection.find_sender((sender: Sender) => atNode(sender) && named(sender)) ?? connection.find_sender(atNode);
}

export interface Reply {
  readonly properties: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}

export function sendReply(link: Sender, request: NodeRequest, reply: Reply): void {
  const delivery = link.send({
    ...(request.messageId === undefined ? {} : { correlation_id: request.messageId as string }),
    application_properties: { ...reply.properties },
    body: reply.body,
  });
  const { data } = delivery as unknown as { data: readonly Buffer[] };
  countOutgoing(
    delivery,
    data.reduce((sum, { length }) => sum + length, 0),
  );
  (delivery as { settled: boolean }).settled = true;
}
