import { PenstockError } from '../shared/errors.js';

/**
 * PS_PUBLISH_UNAVAILABLE: the broker cannot be reached, or refuses for now. PS_PUBLISH_TIMEOUT: it did not answer in
 * time, so nobody knows whether it has the events. PS_PUBLISH_TOO_LARGE: the first of the messages is larger than the
 * broker takes. PS_PUBLISH_CLOSED: the publisher was closed.
 */
export type PublishErrorCode =
  | 'PS_PUBLISH_UNAVAILABLE'
  | 'PS_PUBLISH_TIMEOUT'
  | 'PS_PUBLISH_TOO_LARGE'
  | 'PS_PUBLISH_CLOSED';

export class PublishError extends PenstockError<PublishErrorCode> {
  override readonly name = 'PublishError';
}
