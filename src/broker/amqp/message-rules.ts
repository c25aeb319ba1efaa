import type { IncomingMessage } from '../message/index.js';
import type { AmqpFault } from './conditions.js';

/** Longest ids and keys that Service Bus takes, in characters. */
const MAX_ID_LENGTH = 128;

const argumentError = (description: string): AmqpFault => ({ condition: 'com.microsoft:argument-error', description });

const replyToSessionId = ({ filterable }: IncomingMessage): string | undefined => {
  const value = filterable.system('ReplyToSessionId');
  return typeof value === 'string' ? value : undefined;
};

function tooLong(name: string, value: string | undefined): AmqpFault | undefined {
  if (value === undefined || value.length <= MAX_ID_LENGTH) return undefined;
  return argumentError(`${name} has ${value.length} characters; ${MAX_ID_LENGTH} are allowed at the most.`);
}

/**
 * Why Service Bus takes no such message, whatever the entity; undefined when it does. A session is of one partition, so a
 * partition key beside a session id has to be the same (partitioned queues and topics, using a partition key).
 */
export function messageFault(message: IncomingMessage): AmqpFault | undefined {
  const { sessionId, partitionKey } = message;
  const fault =
    tooLong('MessageId', message.messageId) ??
    tooLong('SessionId', sessionId) ??
    tooLong('ReplyToSessionId', replyToSessionId(message)) ??
    tooLong('PartitionKey', partitionKey) ??
    tooLong('ViaPartitionKey', message.viaPartitionKey);
  if (fault !== undefined) return fault;
  return sessionId !== undefined && partitionKey !== undefined && sessionId !== partitionKey
    ? argumentError('The PartitionKey of a message that has a SessionId must be the same as its SessionId.')
    : undefined;
}
