import { PenstockError } from '../errors.js';

/** PS_CONFIG_INVALID: a value is wrong. PS_CONFIG_MISSING: a command needs a value that nobody gave. */
export type ConfigErrorCode = 'PS_CONFIG_INVALID' | 'PS_CONFIG_MISSING';

export class ConfigError extends PenstockError<ConfigErrorCode> {
  override readonly name = 'ConfigError';
}
