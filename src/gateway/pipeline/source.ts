import type { ConsentOptions } from '../policy/consent.js';
import type { Rate } from '../policy/token-bucket.js';

/** A site that may send events. The short form is a name and one write key that may send anything. */
export interface Source {
  readonly name: string;
  readonly writeKey?: string | undefined;
  readonly keys?: readonly WriteKey[] | undefined;
  /** Pages that may use its keys; without a list any may. */
  readonly origins?: readonly string[] | undefined;
  /** Types that it may send; without a list all. */
  readonly types?: readonly string[] | undefined;
  readonly eventsPerDay?: number | undefined;
  readonly privacy?: SourcePrivacy | undefined;
  readonly bots?: 'keep' | 'flag' | 'drop' | undefined;
  readonly country?: boolean | undefined;
  /** What its shops sign their webhooks with; several while one is replaced by another. */
  readonly webhooks?:
    | (Readonly<Partial<Record<'shopify' | 'woocommerce' | 'stripe', readonly string[] | undefined>>> & {
        readonly testOrders?: 'drop' | 'flag' | undefined;
      })
    | undefined;
}

export interface WriteKey {
  readonly writeKey: string;
  /**
   * `browser`: everybody can read it, so it may not send what only a server knows. `server`: its requests come from a
   * server, whose address and agent say nothing of a visitor.
   */
  readonly kind: 'browser' | 'server';
  readonly types?: readonly string[] | undefined;
  readonly rate?: Rate | undefined;
  readonly clientRate?: Rate | undefined;
}

interface SourcePrivacy extends ConsentOptions {
  readonly ip?: 'truncate' | 'none' | undefined;
  readonly visitorId?: 'sent' | 'daily' | undefined;
}
