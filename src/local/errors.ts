import { PenstockError } from '../shared/errors.js';

/**
 * PS_LOCAL_MISSING: a program that must be installed is not there. PS_LOCAL_RUNNING: another instance uses the data
 * folder. PS_LOCAL_START: a part did not become ready. PS_LOCAL_KEYS_FILE: the keys of the data folder are damaged.
 * PS_LOCAL_STORAGE_CORRUPT: the index of the local blob service is damaged.
 */
export type LocalErrorCode =
  | 'PS_LOCAL_MISSING'
  | 'PS_LOCAL_RUNNING'
  | 'PS_LOCAL_START'
  | 'PS_LOCAL_KEYS_FILE'
  | 'PS_LOCAL_STORAGE_CORRUPT';

export class LocalError extends PenstockError<LocalErrorCode> {
  override readonly name = 'LocalError';
}
