import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createTruth,
  type Delivery,
  defaultShopOptions,
  type ShopOptions,
  simulateShop,
} from '../../src/simulator/index.js';

const START = Date.UTC(2026, 0, 1);
const SECOND = 1000;
const MINUTE = 60 * SECOND;

const shopOf = (options: Partial<ShopOptions> = {}): ShopOptions => ({
  ...defaultShopOptions,
  startMs: START,
  extent: { visitors: 60 },
  ...options,
});
const play = (options?: Partial<ShopOptions>): Delivery[] => [...simulateShop(shopOf(options))];
const distinct = <T>(items: readonly T[]) => new Set(items).size;
const firsts = (deliveries: readonly Delivery[]) => deliveries.filter(({ duplicate }) => !duplicate);

const anyShop = fc.record({
  seed: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  rate: fc.integer({ min: 1, max: 200 }),
  extent: fc.oneof(
    fc.record({ visitors: fc.integer({ min: 1, max: 60 }) }),
    fc.record({ durationMs: fc.integer({ min: SECOND, max: 20 * SECOND }) }),
  ),
  duplicates: fc.double({ min: 0, max: 0.5, noNaN: true }),
  heldBack: fc.double({ min: 0, max: 0.5, noNaN: true }),
  late: fc.double({ min: 0, max: 0.2, noNaN: true }),
  tooLate: fc.double({ min: 0, max: 0.2, noNaN: true }),
});

describe('the simulated shop', () => {
  it('the same seed is the same stream, and another seed another', () => {
    fc.assert(
      fc.property(anyShop, (options) => {
        expect(play(options)).toEqual(play(options));
      }),
      { numRuns: 20 },
    );
    expect(play({ seed: 1 })).not.toEqual(play({ seed: 2 }));
  });

  it('deliveries come in the order of sending, and nothing is sent before it happened', () => {
    fc.assert(
      fc.property(anyShop, (options) => {
        let lastMs = START;
        for (const { sendAtMs, occurredAtMs } of play(options)) {
          expect(sendAtMs).toBeGreaterThanOrEqual(lastMs);
          expect(sendAtMs).toBeGreaterThanOrEqual(occurredAtMs);
          lastMs = sendAtMs;
        }
      }),
      { numRuns: 20 },
    );
  });

  it('a duplicate is the same event again, after the first', () => {
    const seen = new Map<string, Delivery>();
    for (const delivery of play({ duplicates: 0.3 })) {
      const { event, duplicate } = delivery;
      expect(seen.has(event.id)).toBe(duplicate);
      if (duplicate) expect(delivery.event).toBe(seen.get(event.id)?.event);
      seen.set(event.id, delivery);
    }
  });

  it('what is late is late by as much as it says', () => {
    const deliveries = play({
      heldBack: 0.2,
      late: 0.1,
      tooLate: 0.1,
      duplicates: 0,
      extent: { durationMs: 3 * MINUTE },
    });
    const delaysOf = (wanted: Delivery['timing']) =>
      deliveries.filter(({ timing }) => timing === wanted).map(({ sendAtMs, occurredAtMs }) => sendAtMs - occurredAtMs);
    const within = (delays: number[], least: number, most: number) => {
      expect(delays.length).toBeGreaterThan(10);
      expect(Math.min(...delays)).toBeGreaterThanOrEqual(least);
      expect(Math.max(...delays)).toBeLessThanOrEqual(most);
    };
    const { latenessMs } = defaultShopOptions;
    within(delaysOf('prompt'), 0, 0);
    within(delaysOf('held_back'), SECOND, 30 * SECOND);
    within(delaysOf('late'), SECOND, latenessMs * 0.9);
    within(delaysOf('too_late'), latenessMs + 2 * MINUTE, latenessMs + 10 * MINUTE);
  });

  it('visitors come once each, and a window of time is busy from its first second', () => {
    expect(distinct(play({ late: 0, tooLate: 0 }).flatMap(({ event }) => event.anonymousId ?? []))).toBe(60);
    const window = { rate: 100, extent: { durationMs: 2 * MINUTE }, duplicates: 0, heldBack: 0, late: 0, tooLate: 0 };
    const deliveries = play(window);
    const perSecond = deliveries.length / 120;
    const early = deliveries.filter(({ sendAtMs }) => sendAtMs < START + 20 * SECOND).length / 20;
    for (const rate of [perSecond, early]) {
      expect(rate).toBeGreaterThan(75);
      expect(rate).toBeLessThan(125);
    }
  });

  it('a session has no gap of half an hour, and two sessions of a visitor have one', () => {
    const bySession = new Map<string, number[]>();
    for (const { event, occurredAtMs } of play({
      extent: { visitors: 300 },
      late: 0,
      tooLate: 0,
      heldBack: 0,
      duplicates: 0,
    })) {
      if (event.sessionId !== undefined)
        bySession.set(event.sessionId, [...(bySession.get(event.sessionId) ?? []), occurredAtMs]);
    }
    for (const times of bySession.values()) {
      for (let index = 1; index < times.length; index++)
        expect((times[index] as number) - (times[index - 1] as number)).toBeLessThan(30 * MINUTE);
    }
    const returns = [...bySession].filter(([id]) => id.endsWith('-s2'));
    expect(returns.length).toBeGreaterThan(10);
    for (const [id, times] of returns) {
      const before = bySession.get(id.replace(/2$/, '1')) as number[];
      expect((times[0] as number) - (before.at(-1) as number)).toBeGreaterThan(30 * MINUTE);
    }
  });

  it('an order has its own number, and a refund names an order of the same value', () => {
    const orders = new Map<unknown, unknown>();
    const deliveries = firsts(play({ extent: { visitors: 2000 }, heldBack: 0 }));
    for (const { event } of deliveries) {
      const { transaction_id: id, value } = event.properties ?? {};
      if (event.type === 'purchase') {
        expect(orders.has(id)).toBe(false);
        orders.set(id, value);
      }
      if (event.type === 'refund') expect(orders.get(id)).toBe(value);
    }
    expect(orders.size).toBeGreaterThan(100);
    expect(deliveries.filter(({ event }) => event.type === 'refund').length).toBeGreaterThan(5);
  });

  it('the wanted products are seen more often', () => {
    const { topPages } = truthOf(play({ extent: { visitors: 2000 } }));
    const products = topPages.filter(({ path }) => path.startsWith('/product/'));
    expect(products[0]?.path).toBe('/product/100000');
  });
});

function truthOf(deliveries: readonly Delivery[]) {
  const truth = createTruth();
  for (const delivery of deliveries) truth.add(delivery);
  return truth.current();
}

describe('the ground truth', () => {
  it('equals a recount of the stream', () => {
    fc.assert(
      fc.property(anyShop, (options) => {
        const deliveries = play(options);
        const truth = truthOf(deliveries);
        const unique = firsts(deliveries);
        expect(truth.deliveries).toBe(deliveries.length);
        expect(truth.events).toBe(distinct(deliveries.map(({ event }) => event.id)));
        expect(truth.duplicates).toBe(deliveries.length - truth.events);
        // A refund names its user alone, and counts as a visitor of that name.
        const visitorOf = ({ event }: Delivery) => (event.type === 'refund' ? event.userId : event.anonymousId);
        const counted = unique.filter((each) => each.timing !== 'too_late' && visitorOf(each) !== undefined);
        const views = counted.filter(({ event }) => event.type === 'page_view');
        expect(truth.visitors).toBe(distinct(counted.map(visitorOf)));
        expect(truth.sessions).toBe(distinct(counted.map((each) => each.event.sessionId ?? visitorOf(each))));
        const sessionsWith = (type: string) =>
          new Set(counted.filter(({ event }) => event.type === type).map(({ event }) => event.sessionId));
        const [viewed, carted, bought] = [
          sessionsWith('view_item'),
          sessionsWith('add_to_cart'),
          sessionsWith('purchase'),
        ];
        const both = [...carted].filter((session) => viewed.has(session));
        expect(truth.funnel).toEqual({
          view: viewed.size,
          cart: both.length,
          purchase: both.filter((session) => bought.has(session)).length,
        });
        expect(truth.pageViews).toBe(views.length);
        expect(truth.minutes.reduce((sum, minute) => sum + minute.pageViews, 0)).toBe(views.length);
        for (const { start, visitors, pageViews } of truth.minutes) {
          const fromMs = Date.parse(start);
          const inMinute = ({ occurredAtMs }: Delivery) =>
            occurredAtMs >= fromMs && occurredAtMs < fromMs + 60 * SECOND;
          expect(visitors).toBe(distinct(counted.filter(inMinute).map(visitorOf)));
          expect(pageViews).toBe(views.filter(inMinute).length);
        }
        for (const { path, views: count } of truth.topPages)
          expect(count).toBe(views.filter(({ event }) => event.page?.path === path).length);
        const orders = unique.filter(({ event }) => event.type === 'purchase').map(({ event }) => event.properties);
        expect(truth.purchases.transactionIds).toEqual(orders.map((properties) => properties?.['transaction_id']));
        expect(truth.purchases.value).toBeCloseTo(
          orders.reduce((sum, properties) => sum + Number(properties?.['value']), 0),
          6,
        );
        const scores = unique.filter(({ event }) => event.type === 'churn_scored');
        expect(truth.likelyChurners).toEqual(
          scores
            .filter(({ event }) => Number(event.properties?.['churnScore']) >= 0.7)
            .map(({ event }) => event.userId),
        );
      }),
      { numRuns: 30 },
    );
  });

  it('the order of the deliveries makes no difference to it, but for the order of lists', () => {
    const deliveries = play({ heldBack: 0.3, duplicates: 0 });
    const { purchases, refunds, likelyChurners, ...forwards } = truthOf(deliveries);
    const { purchases: p, refunds: r, likelyChurners: l, ...backwards } = truthOf(deliveries.toReversed());
    expect(backwards).toEqual(forwards);
    expect([p.value, r.value, l.length]).toEqual([purchases.value, refunds.value, likelyChurners.length]);
  });
});
