import { BrokerError } from '../errors.js';

/** 2: the events of hubs are in files of their own. 3: values have checksums. */
export const STORE_FORMAT = 3;

export const otherFormat = (found: unknown): BrokerError =>
  new BrokerError(
    'PS_BROKER_STORE_FORMAT',
    `the data folder has format ${found} and this version of Penstock needs ${STORE_FORMAT}: ` +
      'start with another --data-dir, or remove the folder `broker` in it',
  );
