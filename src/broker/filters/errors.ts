import { PenstockError } from '../../shared/errors.js';

/**
 * - `PS_FILTER_SYNTAX`: the text is not a filter or an action; `position` says where.
 * - `PS_FILTER_LIMIT`: the text is too long, too deep or has too many parts.
 * - `PS_FILTER_UNKNOWN_PARAMETER`: `@name` is used and was not given.
 * - `PS_FILTER_EVALUATION`: this message cannot be evaluated: a system property that does not exist, a division by
 *   zero, an escape that is not one character.
 */
export type FilterErrorCode =
  | 'PS_FILTER_SYNTAX'
  | 'PS_FILTER_LIMIT'
  | 'PS_FILTER_UNKNOWN_PARAMETER'
  | 'PS_FILTER_EVALUATION';

/** What is wrong with a filter, or with one message under a filter. */
export class FilterError extends PenstockError<FilterErrorCode> {
  override readonly name = 'FilterError';
  /** Offset into the text in UTF-16 units, where it is the text that is wrong. */
  readonly position: number | undefined;

  constructor(code: FilterErrorCode, message: string, position?: number) {
    super(code, position === undefined ? message : `${message} (at position ${position})`, { facts: { position } });
    this.position = position;
  }
}
