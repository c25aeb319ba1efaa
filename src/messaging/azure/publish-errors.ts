import { messageOf } from '../../shared/errors.js';
import { PublishError, type PublishErrorCode } from '../errors.js';
import { codeOfSdkError } from '../sdk-code.js';

/** Error names of @azure/core-amqp (Event Hubs) and codes of @azure/service-bus that mean the same. */
const CODES: Readonly<Record<string, PublishErrorCode>> = {
  MessageTooLargeError: 'PS_PUBLISH_TOO_LARGE',
  MessageSizeExceeded: 'PS_PUBLISH_TOO_LARGE',
  OperationTimeoutError: 'PS_PUBLISH_TIMEOUT',
  ServiceUnavailableError: 'PS_PUBLISH_TIMEOUT',
  ServiceTimeout: 'PS_PUBLISH_TIMEOUT',
};

/** What an SDK threw, in our terms. */
export function toPublishError(error: unknown, what: string): PublishError {
  if (error instanceof PublishError) return error;
  const code = codeOfSdkError(error, CODES) ?? 'PS_PUBLISH_UNAVAILABLE';
  return new PublishError(code, `${what}: ${messageOf(error)}`, { cause: error });
}
