import type { Product } from './catalogue.js';
import { exponential, integerBetween, pick, type Random } from './random.js';

/** An event as `POST /v1/events` takes it, but without id and time. */
export interface ShopEvent {
  readonly type: string;
  readonly anonymousId?: string;
  readonly userId?: string;
  readonly sessionId?: string;
  readonly page?: { readonly url: string; readonly path: string; readonly referrer?: string };
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly context?: VisitorContext;
}

/** Something that a visitor does, or that the shop does about the visitor. */
export interface Act {
  readonly atMs: number;
  readonly event: ShopEvent;
}

/** What a gateway makes of a visitor's request, told by the shop's server. */
interface VisitorContext {
  readonly ip: string;
  readonly country: string;
  readonly userAgent: string;
}

export interface Visitor {
  readonly anonymousId: string;
  /** Known to the shop by name; others become known when they buy. */
  readonly registered: boolean;
  readonly context: VisitorContext;
}

export interface Shop {
  readonly origin: string;
  readonly currency: string;
  /** A product, the wanted ones more often. */
  draw(random: Random): Product;
}

const USER_AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15',
  'Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36',
  'Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
] as const;

/** Of a shop in Germany: a country for each of these. No database knows the addresses. */
const COUNTRIES = ['DE', 'DE', 'DE', 'DE', 'DE', 'AT', 'AT', 'CH', 'CH', 'FR', 'NL', 'PL'] as const;

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
/** Between two acts of a session; well below the 30 minutes that end one. */
const MEAN_GAP_MS = 12 * SECOND_MS;
const MAX_GAP_MS = 5 * MINUTE_MS;

/** Of a first session, measured over many visitors; turns a rate of events into a rate of arrivals. */
export const EVENTS_PER_VISITOR = 11.9;
/** By then nearly every visitor who came before has gone. */
export const WARM_UP_MS = 10 * MINUTE_MS;

export function createVisitor(random: Random, anonymousId: string): Visitor {
  const registered = random() < 0.4;
  // 198.18.0.0/15 is set aside for tests of network devices (RFC 2544).
  const net = integerBetween(random, 18, 19);
  const [subnet, host] = [integerBetween(random, 0, 255), integerBetween(random, 1, 254)];
  const context = {
    ip: `198.${net}.${subnet}.${host}`,
    country: COUNTRIES[host % COUNTRIES.length] as string,
    userAgent: pick(random, USER_AGENTS),
  };
  return { anonymousId, registered, context };
}

/** Everything about one visitor, in order of time: one session, sometimes a second after half an hour or more. */
export function* journey(random: Random, shop: Shop, visitor: Visitor, arrivalMs: number): Generator<Act> {
  let atMs = arrivalMs;
  const sessions = random() < 0.15 ? 2 : 1;
  for (let number = 1; number <= sessions; number++) {
    atMs = yield* session(random, shop, visitor, { id: `${visitor.anonymousId}-s${number}`, startMs: atMs });
    if (number === 1 && visitor.registered) {
      const churnScore = Math.round(random() ** 1.5 * 100) / 100;
      yield { atMs, event: { type: 'churn_scored', userId: userIdOf(visitor), properties: { churnScore } } };
    }
    atMs += integerBetween(random, 35, 60) * MINUTE_MS;
  }
}

const userIdOf = (visitor: Visitor) => `u-${visitor.anonymousId}`;

/** Returns the time of its end. */
function* session(
  random: Random,
  shop: Shop,
  visitor: Visitor,
  { id, startMs }: { id: string; startMs: number },
): Generator<Act, number> {
  let atMs = startMs;
  let path = '/';
  const cart: Product[] = [];
  const act = (type: string, page: string, properties?: ShopEvent['properties']): Act => ({
    atMs,
    event: {
      type,
      anonymousId: visitor.anonymousId,
      ...(visitor.registered && { userId: userIdOf(visitor) }),
      sessionId: id,
      page: { url: shop.origin + page, path: page },
      ...(properties && { properties }),
      context: visitor.context,
    },
  });
  const goOn = () => {
    atMs += Math.ceil(Math.min(MAX_GAP_MS, exponential(random, MEAN_GAP_MS)));
  };
  const steps = 1 + Math.floor(exponential(random, 5));
  yield act('page_view', path);
  for (let step = 0; step < steps; step++) {
    goOn();
    const product = shop.draw(random);
    path = random() < 0.3 ? `/category/${product.category.split('.')[0]}` : product.path;
    yield act('page_view', path);
    if (path !== product.path) continue;
    yield act('view_item', path, itemOf(product, shop));
    if (random() < 0.15) {
      goOn();
      cart.push(product);
      yield act('add_to_cart', path, itemOf(product, shop));
    }
  }
  if (cart.length > 0 && random() < 0.5) {
    goOn();
    yield* checkout(random, shop, visitor, { sessionId: id, cart, act });
  }
  return atMs + integerBetween(random, 30, 120) * SECOND_MS;
}

const itemOf = (product: Product, shop: Shop) => ({
  item_id: product.id,
  item_category: product.category,
  item_brand: product.brand,
  price: product.price,
  currency: shop.currency,
});

/** The order and the page that thanks for it are one moment; some orders are taken back a little later. */
function* checkout(
  random: Random,
  shop: Shop,
  visitor: Visitor,
  order: { sessionId: string; cart: readonly Product[]; act: (type: string, page: string) => Act },
): Generator<Act> {
  const cents = order.cart.reduce((sum, product) => sum + Math.round(product.price * 100), 0);
  const money = { transaction_id: `t-${order.sessionId}`, value: cents / 100, currency: shop.currency };
  const thanks = order.act('page_view', '/checkout/thanks');
  yield thanks;
  yield {
    atMs: thanks.atMs,
    event: { ...order.act('purchase', '/checkout/thanks').event, userId: userIdOf(visitor), properties: money },
  };
  if (random() < 0.1) {
    // Before the session's own end is told, so that the acts stay in order of time.
    const atMs = thanks.atMs + integerBetween(random, 5, 30) * SECOND_MS;
    yield { atMs, event: { type: 'refund', userId: userIdOf(visitor), properties: money } };
  }
}
