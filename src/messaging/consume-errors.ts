import { messageOf, PenstockError } from '../shared/errors.js';
import { codeOfSdkError } from './sdk-code.js';

/**
 * PS_CONSUME_UNAVAILABLE: the broker or the storage account cannot be reached, or refuses for now.
 * PS_CONSUME_REFUSED: it refuses for good: no such entity, or no permission.
 * PS_CONSUME_LOST: a partition or a lock went to another reader.
 */
export type ConsumeErrorCode = 'PS_CONSUME_UNAVAILABLE' | 'PS_CONSUME_REFUSED' | 'PS_CONSUME_LOST';

export class ConsumeError extends PenstockError<ConsumeErrorCode> {
  override readonly name = 'ConsumeError';
}

/** Error codes of @azure/core-amqp, @azure/service-bus and @azure/storage-blob. Others may pass by themselves. */
const CODES: Readonly<Record<string, ConsumeErrorCode>> = {
  MessagingEntityNotFoundError: 'PS_CONSUME_REFUSED',
  MessageEntityNotFoundError: 'PS_CONSUME_REFUSED',
  UnauthorizedRequestError: 'PS_CONSUME_REFUSED',
  MessagingEntityDisabledError: 'PS_CONSUME_REFUSED',
  MessagingEntityNotFound: 'PS_CONSUME_REFUSED',
  MessagingEntityDisabled: 'PS_CONSUME_REFUSED',
  UnauthorizedError: 'PS_CONSUME_REFUSED',
  UnauthorizedAccess: 'PS_CONSUME_REFUSED',
  AuthenticationFailed: 'PS_CONSUME_REFUSED',
  AuthorizationFailure: 'PS_CONSUME_REFUSED',
  ReceiverDisconnectedError: 'PS_CONSUME_LOST',
  'amqp:link:stolen': 'PS_CONSUME_LOST',
  MessageLockLost: 'PS_CONSUME_LOST',
};

/** What an SDK threw, in our terms. */
export function toConsumeError(error: unknown, what: string): ConsumeError {
  if (error instanceof ConsumeError) return error;
  const code = codeOfSdkError(error, CODES) ?? 'PS_CONSUME_UNAVAILABLE';
  return new ConsumeError(code, `${what}: ${textOf(error)}`, { cause: error });
}

/** An error of AMQP is none of JavaScript; and of an answer without a text its status is all that is known. */
function textOf(error: unknown): string {
  const { description, statusCode = 'unknown' } = (error ?? {}) as { description?: unknown; statusCode?: unknown };
  if (!(error instanceof Error) && typeof description === 'string') return description;
  return messageOf(error) || `HTTP status ${statusCode}`;
}
