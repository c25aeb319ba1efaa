import { PenstockError } from '../shared/errors.js';

/**
 * PS_IMPORT_OPTIONS: options that contradict each other or name something unknown. PS_IMPORT_UNREADABLE: the input
 * cannot be read to its end. PS_GATEWAY_UNREACHABLE: no usable answer for as long as it was retried.
 * PS_GATEWAY_REFUSED: an answer that repeating will not change, such as a wrong write key.
 */
export type ImportErrorCode =
  | 'PS_IMPORT_OPTIONS'
  | 'PS_IMPORT_UNREADABLE'
  | 'PS_GATEWAY_UNREACHABLE'
  | 'PS_GATEWAY_REFUSED';

export class ImportError extends PenstockError<ImportErrorCode> {
  override readonly name = 'ImportError';
}
