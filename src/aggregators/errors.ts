import { PenstockError } from '../shared/errors.js';

/**
 * PS_SINK_UNAVAILABLE: Redis could not be written for so long that reading the partition was given up for now.
 * PS_SNAPSHOT_UNREADABLE: a saved state is damaged or of another form.
 */
export type AggregatorErrorCode = 'PS_SINK_UNAVAILABLE' | 'PS_SNAPSHOT_UNREADABLE';

export class AggregatorError extends PenstockError<AggregatorErrorCode> {
  override readonly name = 'AggregatorError';
}
