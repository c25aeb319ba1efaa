import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import Long from 'long';
import { toConsumeError } from '../consume-errors.js';
import type { MessageBrowser, MessageSource, SeenMessage, SubQueue } from '../ports/inspect.js';
import type { ServiceAccess } from './access.js';
import { connectBus, nameOf, receiverOf } from './bus-client.js';

const PROPERTIES = [
  'subject',
  'contentType',
  'correlationId',
  'sessionId',
  'partitionKey',
  'replyTo',
  'replyToSessionId',
  'to',
  'timeToLive',
  'scheduledEnqueueTimeUtc',
  'deadLetterSource',
] as const satisfies readonly (keyof ServiceBusReceivedMessage)[];

/** A queue or a subscription, or their dead letters, behind the official SDK. */
export async function createMessageBrowser(
  access: ServiceAccess,
  source: MessageSource,
  subQueue?: SubQueue,
): Promise<MessageBrowser> {
  const client = await connectBus(access);
  const receiver = receiverOf(client, source, { subQueue });
  return {
    async peek(fromSequenceNumber, count) {
      try {
        const seen: SeenMessage[] = [];
        let from = Long.fromString(fromSequenceNumber);
        while (seen.length < count) {
          const found = await receiver.peekMessages(count - seen.length, { fromSequenceNumber: from });
          const last = found.at(-1)?.sequenceNumber;
          if (last === undefined) break;
          for (const message of found) seen.push(toSeen(message));
          from = last.add(1);
        }
        return seen;
      } catch (error) {
        throw toConsumeError(error, nameOf(source));
      }
    },
    close: () => client.close(),
  };
}

function toSeen(message: ServiceBusReceivedMessage): SeenMessage {
  const set = PROPERTIES.flatMap((name) => (message[name] === undefined ? [] : [[name, message[name]] as const]));
  return {
    sequenceNumber: String(message.sequenceNumber ?? ''),
    messageId: message.messageId === undefined ? undefined : String(message.messageId),
    state: message.state,
    enqueuedAtMs: message.enqueuedTimeUtc?.getTime() ?? 0,
    deliveryCount: message.deliveryCount ?? 0,
    properties: Object.fromEntries(set),
    applicationProperties: message.applicationProperties ?? {},
    body: message.body,
  };
}
