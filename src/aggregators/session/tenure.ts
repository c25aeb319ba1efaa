import type { Logger } from '../../shared/logger.js';
import { AggregatorError } from '../errors.js';

/** Whether a partition is still ours, as the parts of its session know it. */
export interface Tenure {
  /** Nothing is begun any more. */
  closed: boolean;
  /** A hub event is in the state in part: it is neither shown nor saved any more, and read again by the next owner. */
  torn: boolean;
  /** The word that there is a later owner. Nothing is written any more. */
  readonly refusal: AggregatorError | undefined;
  /** Whether `error` is that word, which is then kept. */
  isLoss(error: unknown): boolean;
}

export function createTenure(partitionId: string, logger: Logger): Tenure {
  let refusal: AggregatorError | undefined;
  return {
    closed: false,
    torn: false,
    get refusal() {
      return refusal;
    },
    isLoss(error) {
      if (!(error instanceof AggregatorError) || error.code !== 'PS_PARTITION_FENCED') return false;
      if (refusal === undefined)
        logger.info({ partitionId, ...error.facts }, 'another process owns the partition by now');
      refusal = error;
      return true;
    },
  };
}
