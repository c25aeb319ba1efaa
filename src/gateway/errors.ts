import { PenstockError } from '../shared/errors.js';

/**
 * PS_GATEWAY_NO_SOURCES: no site may send events, because none is configured. PS_SPOOL_FULL: a destination has as much on
 * disk as it may. PS_SPOOL_LOCKED: another gateway has the folder. PS_SPOOL_UNUSABLE: it cannot be read or written.
 * PS_TLS_UNUSABLE: certificate or key cannot be read, or do not belong together.
 * PS_ERASE_LIST_UNREADABLE, PS_COUNTRY_DATABASE_UNREADABLE: a file that the configuration names cannot be used.
 */
export type GatewayErrorCode =
  | 'PS_GATEWAY_NO_SOURCES'
  | 'PS_SPOOL_FULL'
  | 'PS_SPOOL_LOCKED'
  | 'PS_SPOOL_UNUSABLE'
  | 'PS_TLS_UNUSABLE'
  | 'PS_ERASE_LIST_UNREADABLE'
  | 'PS_COUNTRY_DATABASE_UNREADABLE';

export class GatewayError extends PenstockError<GatewayErrorCode> {
  override readonly name = 'GatewayError';
}
