import { PenstockError } from '../../shared/errors.js';

/** - `PS_SECURITY_KEYS_FILE`: the file with the access keys cannot be understood; it is never overwritten. */
export type SecurityErrorCode = 'PS_SECURITY_KEYS_FILE';

export class SecurityError extends PenstockError<SecurityErrorCode> {
  override readonly name = 'SecurityError';
}
