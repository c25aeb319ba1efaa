import { PenstockError } from '../../shared/errors.js';

/**
 * - `PS_BROKER_UNREACHABLE`: no broker answers at the address.
 * - `PS_BROKER_ENTITY`: the entity that a command names is not there, or not one that it can work on.
 * - `PS_BROKER_UNCONFIRMED`: messages would be removed, and nobody said yes.
 */
export type BrokerCommandErrorCode = 'PS_BROKER_UNREACHABLE' | 'PS_BROKER_ENTITY' | 'PS_BROKER_UNCONFIRMED';

export class BrokerCommandError extends PenstockError<BrokerCommandErrorCode> {
  override readonly name = 'BrokerCommandError';
}
