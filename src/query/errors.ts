import { PenstockError } from '../shared/errors.js';

/**
 * PS_QUERY_INVALID: a parameter of a query is wrong. PS_QUERY_UNAVAILABLE: the figures cannot be read now.
 * PS_EVENT_UNKNOWN: nothing is remembered of an event. PS_REPLAY_INVALID: a bound or another flag of a replay is wrong.
 */
export type QueryErrorCode = 'PS_QUERY_INVALID' | 'PS_QUERY_UNAVAILABLE' | 'PS_EVENT_UNKNOWN' | 'PS_REPLAY_INVALID';

export class QueryError extends PenstockError<QueryErrorCode> {
  override readonly name = 'QueryError';
}
