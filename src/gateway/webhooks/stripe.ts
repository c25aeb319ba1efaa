import { compact, type Fields, fieldsOf, textOf } from '../protocols/fields.js';
import type { NativeEvent } from '../protocols/foreign.js';
import { contextOfCountry, headerOf, isHmacOf, type Shop } from './shop.js';

/** Stripe: payments that succeeded, by Checkout or without, and refunds. */

/** The age that Stripe's own libraries allow a signature. */
const TOLERANCE_MS = 5 * 60_000;

export const stripe: Shop = {
  name: 'stripe',
  isSigned({ headers, body, nowMs }, secrets) {
    const { timestamp, signatures } = partsOf(headerOf(headers, 'stripe-signature') ?? '');
    if (timestamp === undefined || Math.abs(nowMs - Number(timestamp) * 1000) > TOLERANCE_MS) return false;
    const content = Buffer.concat([Buffer.from(`${timestamp}.`), body]);
    return signatures.some((signature) => isHmacOf(content, signature, { secrets, encoding: 'hex' }));
  },
  read(_headers, body) {
    const object = fieldsOf(fieldsOf(body['data'])?.['object']);
    if (object === undefined) return undefined;
    const event = eventOf(body, object);
    if (event === undefined) return undefined;
    // Whoever has an event sent anew, weeks later, gets it signed anew; `created` stays.
    return { events: [event], writtenAt: body['created'], isTest: body['livemode'] === false };
  },
};

const NOT_PAID_BACK: ReadonlySet<unknown> = new Set(['failed', 'canceled']);

const MAX_SIGNATURES = 5;

/** `t=1492774577,v1=5257…,v1=…,v0=…`: of the schemes only v1 counts. */
function partsOf(header: string): { readonly timestamp: string | undefined; readonly signatures: readonly string[] } {
  const parts = header.split(',', 2 * MAX_SIGNATURES).map((part) => part.trim());
  const timestamp = parts.find((part) => /^t=\d{1,12}$/.test(part))?.slice(2);
  const signatures = parts.filter((part) => part.startsWith('v1=')).map((part) => part.slice(3));
  return { timestamp, signatures: signatures.slice(0, MAX_SIGNATURES) };
}

function eventOf(body: Fields, object: Fields): NativeEvent | undefined {
  const base = { id: body['id'], occurredAt: typeof body['created'] === 'number' ? body['created'] * 1000 : undefined };
  switch (body['type']) {
    case 'checkout.session.completed':
    case 'checkout.session.async_payment_succeeded':
      // Unpaid, it is told again when the money has come. Without money there is no order.
      if (object['payment_status'] !== 'paid') return undefined;
      return { ...base, ...purchaseOf(object, object['payment_intent'] ?? object['id'], object['amount_total']) };
    case 'payment_intent.succeeded':
      return { ...base, ...purchaseOf(object, object['id'], object['amount_received']) };
    case 'refund.created':
      return NOT_PAID_BACK.has(object['status']) ? undefined : { ...base, ...refundOf(object) };
    default:
      return undefined;
  }
}

/** The same payment by any of its events is one order: its number is that of the payment intent. */
function purchaseOf(object: Fields, transactionId: unknown, amount: unknown) {
  const metadata = fieldsOf(object['metadata']);
  const country = fieldsOf(fieldsOf(object['customer_details'])?.['address'])?.['country'];
  return {
    type: 'purchase',
    anonymousId: textOf(metadata?.['anonymousId']),
    userId: textOf(metadata?.['userId']) ?? textOf(object['customer']),
    properties: compact({ transaction_id: transactionId, ...moneyOf(amount, object['currency']), metadata }),
    context: contextOfCountry(country),
  };
}

function refundOf(refund: Fields) {
  return {
    type: 'refund',
    properties: compact({
      transaction_id: refund['payment_intent'] ?? refund['charge'],
      refund_id: refund['id'],
      ...moneyOf(refund['amount'], refund['currency']),
      reason: refund['reason'],
    }),
  };
}

/** Currencies that Stripe counts in whole units, and in thousandths; all others in hundredths. */
const WHOLE: ReadonlySet<string> = new Set([
  'BIF',
  'CLP',
  'DJF',
  'GNF',
  'JPY',
  'KMF',
  'KRW',
  'MGA',
  'PYG',
  'RWF',
  'VND',
  'VUV',
  'XAF',
  'XOF',
  'XPF',
]);
const THOUSANDTHS: ReadonlySet<string> = new Set(['BHD', 'JOD', 'KWD', 'OMR', 'TND']);

function moneyOf(amount: unknown, sent: unknown): Fields {
  const currency = typeof sent === 'string' ? sent.toUpperCase() : sent;
  if (typeof amount !== 'number' || typeof currency !== 'string') return { value: amount, currency };
  const divisor = WHOLE.has(currency) ? 1 : THOUSANDTHS.has(currency) ? 1000 : 100;
  return { value: amount / divisor, currency };
}
