import { PenstockError } from '../shared/errors.js';

/** PS_CONSUMER_UNKNOWN: there is no subscriber of that name. PS_AUDIT_WRITE: the audit file could not be written. */
export type ConsumerErrorCode = 'PS_CONSUMER_UNKNOWN' | 'PS_AUDIT_WRITE';

export class ConsumerError extends PenstockError<ConsumerErrorCode> {
  override readonly name = 'ConsumerError';
}
