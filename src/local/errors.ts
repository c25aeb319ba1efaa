import { PenstockError } from '../shared/errors.js';

/**
 * PS_LOCAL_MISSING: a program that must be installed is not there. PS_LOCAL_RUNNING: another instance uses the data
 * folder. PS_LOCAL_START: a part did not become ready.
 */
export type LocalErrorCode = 'PS_LOCAL_MISSING' | 'PS_LOCAL_RUNNING' | 'PS_LOCAL_START';

export class LocalError extends PenstockError<LocalErrorCode> {
  override readonly name = 'LocalError';
}
