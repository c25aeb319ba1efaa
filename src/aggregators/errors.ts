import { PenstockError } from '../shared/errors.js';

/**
 * PS_SINK_UNAVAILABLE: Redis cannot be written; when that lasts, reading the partition is given up for now.
 * PS_PARTITION_FENCED: another process owns the partition by now; what this one wanted to write was refused.
 * PS_SNAPSHOT_UNREADABLE: a saved state is damaged. PS_SNAPSHOT_VERSION: it was saved by a newer version of Penstock.
 */
export type AggregatorErrorCode =
  | 'PS_SINK_UNAVAILABLE'
  | 'PS_PARTITION_FENCED'
  | 'PS_SNAPSHOT_UNREADABLE'
  | 'PS_SNAPSHOT_VERSION';

export class AggregatorError extends PenstockError<AggregatorErrorCode> {
  override readonly name = 'AggregatorError';
}

/** What an owner learns that there is a later one. */
export const fencedError = (what: string, { epoch, by }: { readonly epoch: number; readonly by: number }) =>
  new AggregatorError('PS_PARTITION_FENCED', `${what}: owner ${epoch} was followed by owner ${by}`, {
    facts: { epoch, by },
  });
