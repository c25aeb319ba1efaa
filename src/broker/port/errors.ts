import { PenstockError } from '../../shared/errors.js';

/** - `PS_PORT_UNAVAILABLE`: the address cannot be listened on (in use, not allowed, or not of this machine). */
export type PortErrorCode = 'PS_PORT_UNAVAILABLE';

export class PortError extends PenstockError<PortErrorCode> {
  override readonly name = 'PortError';
}
