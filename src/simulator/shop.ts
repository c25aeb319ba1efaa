import { createCatalogue } from './catalogue.js';
import { createHeap } from './heap.js';
import {
  type Act,
  createVisitor,
  EVENTS_PER_VISITOR,
  journey,
  type Shop,
  type ShopEvent,
  WARM_UP_MS,
} from './journey.js';
import type { ShopOptions } from './options.js';
import { createRandom, createZipf, exponential, integerBetween, type Random } from './random.js';

/** One event on its way, in the order of sending. */
export interface Delivery {
  readonly sendAtMs: number;
  readonly occurredAtMs: number;
  readonly event: ShopEvent & { readonly id: string };
  /** The same event was sent before. */
  readonly duplicate: boolean;
  readonly timing: Timing;
}

/**
 * `prompt`: sent when it happened. `held_back`: up to 30 s later. `late` and `too_late`: kept on an offline device, by
 * visitors who do nothing else, and sent within the lateness or after it.
 */
export type Timing = 'prompt' | 'held_back' | 'late' | 'too_late';

type Pending =
  | {
      readonly kind: 'act';
      readonly dueMs: number;
      readonly order: number;
      readonly act: Act;
      readonly rest: Iterator<Act>;
    }
  | { readonly kind: 'send'; readonly dueMs: number; readonly order: number; readonly delivery: Delivery };

const MINUTE_MS = 60_000;
const MAX_HELD_BACK_MS = 30_000;
const MAX_RESEND_MS = 5_000;

/** The events of a simulated shop in the order in which they are sent: the same for the same options. */
export function* simulateShop(options: ShopOptions): Generator<Delivery> {
  const { startMs, extent } = options;
  const endMs = 'durationMs' in extent ? startMs + extent.durationMs : Number.POSITIVE_INFINITY;
  // Ids of two runs of one seed are the same only if they are the same run.
  const run = `${options.seed.toString(36)}-${startMs.toString(36)}`;
  const chance = createRandom(options.seed);
  const shop = openShop(options);
  const pending = createHeap<Pending>((a, b) => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order));
  const arrivals = arrive(options, chance, shop, run);
  let nextArrival = arrivals.next();
  let order = 0;
  let events = 0;

  const wait = (rest: Iterator<Act>) => {
    const act = rest.next();
    if (!act.done && act.value.atMs < endMs)
      pending.push({ kind: 'act', dueMs: act.value.atMs, order: order++, act: act.value, rest });
  };
  const send = (act: Act, delayMs: number, timing: Timing) => {
    const sendAtMs = act.atMs + delayMs;
    const event = { id: `sim-${run}-${(events++).toString(36)}`, ...act.event };
    const first: Delivery = { sendAtMs, occurredAtMs: act.atMs, event, duplicate: false, timing };
    pending.push({ kind: 'send', dueMs: sendAtMs, order: order++, delivery: first });
    if (chance() < options.duplicates) {
      const againMs = sendAtMs + integerBetween(chance, 100, MAX_RESEND_MS);
      pending.push({
        kind: 'send',
        dueMs: againMs,
        order: order++,
        delivery: { ...first, sendAtMs: againMs, duplicate: true },
      });
    }
  };
  const happen = (act: Act) => {
    const heldBack = chance() < options.heldBack;
    send(act, heldBack ? integerBetween(chance, 1000, MAX_HELD_BACK_MS) : 0, heldBack ? 'held_back' : 'prompt');
    const { latenessMs } = options;
    if (chance() < options.late)
      send(
        ...offline(chance, shop, `${run}-l${events}`, act.atMs, integerBetween(chance, 1000, latenessMs * 0.9)),
        'late',
      );
    // Not before the watermark of every partition is likely to have moved.
    if (chance() < options.tooLate && act.atMs > startMs + MINUTE_MS)
      send(
        ...offline(chance, shop, `${run}-x${events}`, act.atMs, latenessMs + integerBetween(chance, 2, 10) * MINUTE_MS),
        'too_late',
      );
  };

  for (;;) {
    const head = pending.peek();
    if (!nextArrival.done && (!head || nextArrival.value.arrivalMs <= head.dueMs)) {
      wait(nextArrival.value.acts);
      nextArrival = arrivals.next();
      continue;
    }
    const item = pending.pop();
    if (!item) return;
    if (item.kind === 'send') yield item.delivery;
    else {
      if (item.act.atMs >= startMs) happen(item.act);
      wait(item.rest);
    }
  }
}

function openShop(options: ShopOptions): Shop {
  const catalogue = createCatalogue(options.seed, options.products);
  const zipf = createZipf(catalogue.length, 1);
  return {
    origin: 'https://shop.example',
    currency: 'EUR',
    draw: (random) => catalogue[zipf(random)] as (typeof catalogue)[number],
  };
}

interface Arrival {
  readonly arrivalMs: number;
  readonly acts: Iterator<Act>;
}

/**
 * Visitors come as a Poisson process. A window of time begins in the middle of the shop's life: those who came before
 * are still there, so that the rate is right from the start.
 */
function* arrive(options: ShopOptions, random: Random, shop: Shop, run: string): Generator<Arrival> {
  const { extent, startMs } = options;
  const meanGapMs = (1000 * EVENTS_PER_VISITOR) / options.rate;
  const [fromMs, untilMs, most] =
    'visitors' in extent
      ? [startMs, Number.POSITIVE_INFINITY, extent.visitors]
      : [startMs - WARM_UP_MS, startMs + extent.durationMs, Number.POSITIVE_INFINITY];
  let arrivalMs = fromMs;
  for (let number = 0; number < most; number++) {
    if (number > 0 || 'durationMs' in extent) arrivalMs += Math.round(exponential(random, meanGapMs));
    if (arrivalMs >= untilMs) return;
    // Each visitor has a source of chance of their own, so that what one does does not depend on what others do.
    const own = createRandom(Math.floor(random() * 2 ** 52));
    const visitor = createVisitor(own, `v-${run}-${number.toString(36)}`);
    yield { arrivalMs, acts: journey(own, shop, visitor, arrivalMs) };
  }
}

/** One page view of a visitor of its own, which happened `delayMs` before it can be sent. */
function offline(random: Random, shop: Shop, anonymousId: string, nowMs: number, delayMs: number): [Act, number] {
  const visitor = createVisitor(random, anonymousId);
  const { path } = shop.draw(random);
  const event: ShopEvent = {
    type: 'page_view',
    anonymousId,
    sessionId: `${anonymousId}-s1`,
    page: { url: shop.origin + path, path },
    context: visitor.context,
  };
  return [{ atMs: nowMs - delayMs, event }, delayMs];
}
