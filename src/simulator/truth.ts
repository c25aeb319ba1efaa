import type { Delivery, Timing } from './shop.js';

/**
 * What the figures have to be after every delivery was taken once. Page views, pages, visitors and sessions leave out
 * what came `too_late`. All counts are of distinct events; `duplicates` is how many were sent again.
 */
export interface GroundTruth {
  readonly deliveries: number;
  readonly events: number;
  readonly duplicates: number;
  readonly byType: Readonly<Record<string, number>>;
  readonly byTiming: Readonly<Record<Timing, number>>;
  /** Distinct visitors: anonymous ids, and the user ids of refunds, which have no other. */
  readonly visitors: number;
  readonly sessions: number;
  readonly pageViews: number;
  /** By the minute in which it happened; minutes without events are left out. */
  readonly minutes: readonly { readonly start: string; readonly visitors: number; readonly pageViews: number }[];
  /** The 10 most viewed, ties in the order of their paths. */
  readonly topPages: readonly { readonly path: string; readonly views: number }[];
  /** Sessions that viewed an item, put one into the cart as well, and bought as well. */
  readonly funnel: { readonly view: number; readonly cart: number; readonly purchase: number };
  readonly purchases: { readonly count: number; readonly value: number; readonly transactionIds: readonly string[] };
  readonly refunds: { readonly count: number; readonly value: number; readonly transactionIds: readonly string[] };
  /** Users with a churn score of 0.7 or more. */
  readonly likelyChurners: readonly string[];
}

const MINUTE_MS = 60_000;
const LIKELY_CHURN = 0.7;
const TOP_PAGES = 10;
/** In the order of the steps. */
const FUNNEL = ['view_item', 'add_to_cart', 'purchase'];

export interface TruthKeeper {
  add(delivery: Delivery): void;
  current(): GroundTruth;
}

export function createTruth(): TruthKeeper {
  let deliveries = 0;
  let duplicates = 0;
  let pageViews = 0;
  const byType: Record<string, number> = {};
  const byTiming: Record<Timing, number> = { prompt: 0, held_back: 0, late: 0, too_late: 0 };
  const visitors = new Set<string>();
  const sessions = new Set<string>();
  const minutes = new Map<number, { visitors: Set<string>; pageViews: number }>();
  const views = new Map<string, number>();
  const steps = FUNNEL.map(() => new Set<string>());
  const purchases = createOrders();
  const refunds = createOrders();
  const likelyChurners = new Set<string>();

  const addVisit = ({ event, occurredAtMs }: Delivery, visitor: string) => {
    const minute = Math.floor(occurredAtMs / MINUTE_MS) * MINUTE_MS;
    const pane = minutes.get(minute) ?? { visitors: new Set(), pageViews: 0 };
    minutes.set(minute, pane);
    visitors.add(visitor);
    pane.visitors.add(visitor);
    const session = event.sessionId ?? visitor;
    sessions.add(session);
    steps[FUNNEL.indexOf(event.type)]?.add(session);
    if (event.type !== 'page_view') return;
    pageViews += 1;
    pane.pageViews += 1;
    const path = event.page?.path ?? '/';
    views.set(path, (views.get(path) ?? 0) + 1);
  };
  return {
    add(delivery) {
      const { event, duplicate, timing } = delivery;
      deliveries += 1;
      if (duplicate) {
        duplicates += 1;
        return;
      }
      byType[event.type] = (byType[event.type] ?? 0) + 1;
      byTiming[timing] += 1;
      const visitor = event.type === 'refund' ? event.userId : event.anonymousId;
      if (visitor !== undefined && timing !== 'too_late') addVisit(delivery, visitor);
      if (event.type === 'purchase') purchases.add(event.properties);
      if (event.type === 'refund') refunds.add(event.properties);
      if (event.type === 'churn_scored' && Number(event.properties?.['churnScore']) >= LIKELY_CHURN)
        likelyChurners.add(event.userId ?? '');
    },
    current: () => ({
      deliveries,
      events: deliveries - duplicates,
      duplicates,
      byType: { ...byType },
      byTiming: { ...byTiming },
      visitors: visitors.size,
      sessions: sessions.size,
      pageViews,
      minutes: [...minutes]
        .sort(([a], [b]) => a - b)
        .map(([startMs, pane]) => ({
          start: new Date(startMs).toISOString(),
          visitors: pane.visitors.size,
          pageViews: pane.pageViews,
        })),
      topPages: [...views]
        .sort(([pathA, a], [pathB, b]) => b - a || (pathA < pathB ? -1 : 1))
        .slice(0, TOP_PAGES)
        .map(([path, count]) => ({ path, views: count })),
      funnel: funnelOf(steps),
      purchases: purchases.current(),
      refunds: refunds.current(),
      likelyChurners: [...likelyChurners],
    }),
  };
}

/** Each step counts the sessions that took it and all before it. */
function funnelOf([viewed, carted, bought]: readonly ReadonlySet<string>[]): GroundTruth['funnel'] {
  const both = [...(carted ?? [])].filter((session) => viewed?.has(session));
  const all = both.filter((session) => bought?.has(session));
  return { view: viewed?.size ?? 0, cart: both.length, purchase: all.length };
}

/** Orders by transaction id, money in cents. */
function createOrders() {
  const centsById = new Map<string, number>();
  return {
    add(properties: Readonly<Record<string, unknown>> | undefined): void {
      centsById.set(String(properties?.['transaction_id']), Math.round(Number(properties?.['value']) * 100));
    },
    current: () => ({
      count: centsById.size,
      value: [...centsById.values()].reduce((sum, cents) => sum + cents, 0) / 100,
      transactionIds: [...centsById.keys()],
    }),
  };
}
