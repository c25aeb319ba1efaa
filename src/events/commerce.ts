import { createHash } from 'node:crypto';
import { type Fields, readIdentifier, readText } from './input.js';
import { Rejection, reject } from './rejection.js';

/** What filters and duplicate detection need to know of an event, read from its properties. */
export interface Commerce {
  /** `purchase:<transaction_id>` or `refund:<transaction_id>[:<refund_id>]`: the same order, however often it is told. */
  readonly businessKey: string | undefined;
  readonly value: number | undefined;
  /** Upper case. */
  readonly currency: string | undefined;
  readonly churnScore: number | undefined;
}

const MAX_TRANSACTION_ID_LENGTH = 256;
const CURRENCY = /^[A-Za-z]{3}$/;

/** Service Bus takes a MessageId of at most 128 characters. */
const MAX_MESSAGE_ID_LENGTH = 128;

/** Reads and checks the properties that this type of event lives by. */
export function readCommerce(type: string, properties: Fields, userId: string | undefined): Commerce | Rejection {
  switch (type) {
    case 'purchase': {
      const transactionId = readTransactionId(properties);
      if (transactionId instanceof Rejection) return transactionId;
      const money = readMoney(properties, true);
      return money instanceof Rejection ? money : { ...money, businessKey: `purchase:${transactionId}` };
    }
    case 'refund': {
      const transactionId = readTransactionId(properties);
      if (transactionId instanceof Rejection) return transactionId;
      const refundId = readIdentifier(properties['refund_id'], MAX_TRANSACTION_ID_LENGTH, '/properties/refund_id');
      if (refundId instanceof Rejection) return refundId;
      const money = readMoney(properties, false);
      if (money instanceof Rejection) return money;
      return { ...money, businessKey: `refund:${transactionId}${refundId === undefined ? '' : `:${refundId}`}` };
    }
    case 'churn_scored':
      return readChurnScore(properties, userId);
    default:
      return readAnyMoney(properties);
  }
}

function readTransactionId(properties: Fields): string | Rejection {
  const path = '/properties/transaction_id';
  return readIdentifier(properties['transaction_id'], MAX_TRANSACTION_ID_LENGTH, path) ?? reject('required', path);
}

function readMoney(properties: Fields, required: boolean): Commerce | Rejection {
  const { value } = properties;
  if (value === undefined || value === null) {
    if (required) return reject('required', '/properties/value');
  } else if (typeof value !== 'number') return reject('invalid_type', '/properties/value');
  const currency = readText(properties['currency'], MAX_TRANSACTION_ID_LENGTH, '/properties/currency');
  if (currency instanceof Rejection) return currency;
  if (currency === undefined) {
    if (required) return reject('required', '/properties/currency');
  } else if (!CURRENCY.test(currency)) return reject('invalid_format', '/properties/currency');
  return {
    businessKey: undefined,
    value: typeof value === 'number' ? value : undefined,
    currency: currency?.toUpperCase(),
    churnScore: undefined,
  };
}

function readChurnScore(properties: Fields, userId: string | undefined): Commerce | Rejection {
  const churnScore = properties['churnScore'];
  if (churnScore === undefined || churnScore === null) return reject('required', '/properties/churnScore');
  if (typeof churnScore !== 'number') return reject('invalid_type', '/properties/churnScore');
  if (churnScore < 0 || churnScore > 1) return reject('out_of_range', '/properties/churnScore');
  if (userId === undefined) return reject('required', '/userId');
  return { businessKey: undefined, value: undefined, currency: undefined, churnScore };
}

/** Of any other type the same fields are taken where they are sound, and required nowhere. */
function readAnyMoney(properties: Fields): Commerce {
  const { value, currency } = properties;
  return {
    businessKey: undefined,
    value: typeof value === 'number' ? value : undefined,
    currency: typeof currency === 'string' && CURRENCY.test(currency) ? currency.toUpperCase() : undefined,
    churnScore: undefined,
  };
}

/** The MessageId of a key: itself, or, when Service Bus would refuse its length, its kind and SHA-256. */
export function messageIdOf(key: string): string {
  if (key.length <= MAX_MESSAGE_ID_LENGTH) return key;
  const kind = /^(?:purchase|refund):/.exec(key)?.[0] ?? '';
  return `${kind}sha256:${createHash('sha256').update(key).digest('hex')}`;
}
