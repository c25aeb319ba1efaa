import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { toConsumeError } from '../consume-errors.js';
import type { DeadLetterTaker, MessageSource, SubQueue } from '../ports/inspect.js';
import type { ServiceAccess } from './access.js';
import { connectBus, nameOf, receiverOf } from './bus-client.js';
import { toPublishError } from './publish-errors.js';

/** How long one look for dead letters may wait: they are there already. */
const WAIT_MS = 2_000;

const PARTITION_KEY = 'x-opt-partition-key';

/**
 * Takes dead letters of `from` and sends them to `to`, a queue or a topic. What is sent is the message as it was, with
 * its type of body, without what the broker has written onto it.
 */
export async function createDeadLetterTaker(
  access: ServiceAccess,
  from: MessageSource,
  { to, subQueue }: { readonly to: string; readonly subQueue: SubQueue },
): Promise<DeadLetterTaker> {
  const client = await connectBus(access);
  const receiver = receiverOf(client, from, { subQueue });
  const sender = client.createSender(to);
  const settle = (what: string, work: Promise<void>) =>
    work.catch((error: unknown) => {
      throw toConsumeError(error, `${nameOf(from)}: ${what}`);
    });
  return {
    async take(count) {
      const messages = await receiver.receiveMessages(count, { maxWaitTimeInMs: WAIT_MS }).catch((error: unknown) => {
        throw toConsumeError(error, nameOf(from));
      });
      return messages.map((message) => ({
        sequenceNumber: String(message.sequenceNumber ?? ''),
        messageId: message.messageId === undefined ? undefined : String(message.messageId),
        reason: message.deadLetterReason,
        async resend(messageId) {
          try {
            await sender.sendMessages(asSent(message, messageId));
          } catch (error) {
            throw toPublishError(error, `${to}: message ${message.messageId ?? message.sequenceNumber}`);
          }
        },
        complete: () => settle('complete', receiver.completeMessage(message)),
        release: () => settle('abandon', receiver.abandonMessage(message)),
      }));
    },
    close: () => client.close(),
  };
}

/** The SDK cannot tell the types of numbers; a whole double comes back as an integer. */
function asSent(message: ServiceBusReceivedMessage, messageId?: string): ServiceBusReceivedMessage['_rawAmqpMessage'] {
  const raw = message._rawAmqpMessage;
  const { DeadLetterReason, DeadLetterErrorDescription, ...applicationProperties } = raw.applicationProperties ?? {};
  const partitionKey: unknown = raw.messageAnnotations?.[PARTITION_KEY];
  const { absoluteExpiryTime, creationTime, ...properties } = raw.properties ?? {};
  const { timeToLive, priority, durable } = raw.header ?? {};
  return {
    body: message.body,
    bodyType: raw.bodyType ?? 'data',
    applicationProperties,
    properties: { ...properties, ...(messageId === undefined ? {} : { messageId }) },
    // It has its time to live anew.
    header: {
      ...(timeToLive === undefined ? {} : { timeToLive }),
      ...(priority === undefined ? {} : { priority }),
      ...(durable === undefined ? {} : { durable }),
    },
    ...(partitionKey === undefined || partitionKey === null
      ? {}
      : { messageAnnotations: { [PARTITION_KEY]: partitionKey } }),
  };
}
