import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Sender } from '../pipeline/sender.js';
import type { Fields } from '../protocols/fields.js';
import type { NativeEvent } from '../protocols/foreign.js';

/** A shop whose webhooks are orders and refunds. Pure: the clock's reading and the secrets are passed in. */
export interface Shop {
  /** As in `/webhooks/<name>/:source`, and in the configuration of a source. */
  readonly name: ShopName;
  /** Whether one of the secrets has signed this body, not too long ago. */
  readonly isSigned: (request: SignedRequest, secrets: readonly string[]) => boolean;
  /** What it sends without a signature to see whether anybody is there. */
  readonly isPing?: (request: SignedRequest) => boolean;
  /** It tells of old orders as long as they change: what is too old is passed over, and nothing to complain of. */
  readonly tellsOldOrders?: boolean;
  /** The events that a body tells of; undefined when there are none. */
  readonly read: (headers: IncomingHttpHeaders, body: Fields) => Told | undefined;
}

type ShopName = 'shopify' | 'woocommerce' | 'stripe';

/** A source that has shops: what they sign with, and what they may send. */
export interface WebhookSource {
  readonly sender: Sender;
  readonly secrets: Readonly<Partial<Record<ShopName, readonly string[] | undefined>>>;
  /** What a shop calls a test is no order; with `flag` it is taken, and has the property `test`. */
  readonly testOrders: 'drop' | 'flag';
}

export interface SignedRequest {
  readonly headers: IncomingHttpHeaders;
  /** As it arrived: one byte changed is another body. */
  readonly body: Buffer;
  readonly nowMs: number;
}

export interface Told {
  readonly events: readonly NativeEvent[];
  /**
   * When the shop wrote this body; what has just been signed may be old. A body that is older than the topic remembers
   * orders is refused: sent again then, it would be a second order.
   */
  readonly writtenAt?: unknown;
  /** Nobody has paid: somebody tries out how to. */
  readonly isTest?: boolean;
}

export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

/**
 * Whether the signature is that of one of the secrets; takes as long for a wrong one as for a right one. Texts are
 * compared, since what decodes base64 and hex passes over what is behind them.
 */
export function isHmacOf(
  content: string | Buffer,
  signature: string,
  { secrets, encoding }: { readonly secrets: readonly string[]; readonly encoding: 'base64' | 'hex' },
): boolean {
  const given = Buffer.from(signature);
  let found = false;
  for (const secret of secrets) {
    const expected = Buffer.from(createHmac('sha256', secret).update(content).digest(encoding));
    if (given.length === expected.length && timingSafeEqual(given, expected)) found = true;
  }
  return found;
}

/** The address and agent of a shop's server say nothing of the visitor. */
export function contextOfCountry(country: unknown): Fields | undefined {
  return typeof country === 'string' && /^[A-Za-z]{2}$/.test(country) ? { country } : undefined;
}
