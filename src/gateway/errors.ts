import { PenstockError } from '../shared/errors.js';

/** PS_GATEWAY_NO_SOURCES: no site may send events, because none is configured. */
export type GatewayErrorCode = 'PS_GATEWAY_NO_SOURCES';

export class GatewayError extends PenstockError<GatewayErrorCode> {
  override readonly name = 'GatewayError';
}
