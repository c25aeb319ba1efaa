import { type Loss, mendDatabase, UnmendableError } from '../../shared/leveldb/index.js';
import { BrokerError } from '../errors.js';

/**
 * Makes a damaged database one that can be opened, with all of it that can be read; nobody else may have it open. Every
 * file that is changed is copied to the folder `keep` first.
 * @throws BrokerError PS_BROKER_STORE_CORRUPT when that was not enough.
 */
export async function mendStore(location: string, keep: string): Promise<readonly Loss[]> {
  try {
    return await mendDatabase(location, keep);
  } catch (cause) {
    if (!(cause instanceof UnmendableError)) throw cause;
    throw new BrokerError('PS_BROKER_STORE_CORRUPT', cause.message, { cause });
  }
}
