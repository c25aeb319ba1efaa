import { WRITE_KEY } from '../gateway/clients.js';
import { wait } from '../support/wait.js';

/** What of the traffic an answer was about. */
export type Traffic = 'views' | 'orders';

export interface Answers {
  /** How long each request waited, in the order in which they were sent. */
  readonly tookMs: number[];
  /** Events by where they were durable when they were answered. */
  readonly durable: { broker: number; spool: number };
  /** Requests that were not answered with 200, and were sent again. */
  again: number;
}

export interface Load {
  /** Answers from here on are counted anew. */
  begin(): Readonly<Record<Traffic, Answers>>;
  /** Each visitor's number of events, once all of them are accepted. */
  finish(): Promise<ReadonlyMap<string, number>>;
  readonly orders: () => number;
}

export interface LoadOptions {
  readonly url: string;
  /** Page views in a second. */
  readonly rate: number;
}

/** 10 visitors with 5 page views each in a request: so every request has something for every partition. */
const VISITORS = 10;
const VIEWS_EACH = 5;
const BATCH = VISITORS * VIEWS_EACH;
/** Requests of one sender in a second: far enough apart that an answer comes before the next is due. */
const REQUESTS_EACH = 5;
const ORDERS_PER_SECOND = 20;
const RETRY_MS = 50;

const noAnswers = (): Record<Traffic, Answers> => ({
  views: { tookMs: [], durable: { broker: 0, spool: 0 }, again: 0 },
  orders: { tookMs: [], durable: { broker: 0, spool: 0 }, again: 0 },
});

/**
 * Senders at a steady rate. Each speaks for visitors of its own and sends on only after the answer, so that their order is
 * promised; it sends again what was not accepted, and makes up for the time that it lost.
 */
export function startLoad({ url, rate }: LoadOptions): Load {
  const sent = new Map<string, number>();
  let answers = noAnswers();
  let orders = 0;
  let finished = false;

  /** Until everything of it is accepted. */
  async function post(traffic: Traffic, events: readonly object[]): Promise<void> {
    const body = JSON.stringify(events);
    for (;;) {
      const startMs = performance.now();
      const { tookMs, durable } = answers[traffic];
      const accepted = await attempt(url, body).catch(() => undefined);
      if (accepted !== undefined) {
        tookMs.push(performance.now() - startMs);
        durable.broker += accepted.broker;
        durable.spool += accepted.spool;
        return;
      }
      answers[traffic].again++;
      await wait(RETRY_MS);
    }
  }

  /** Turns that are due every `intervalMs`, one after the other. */
  async function pace(intervalMs: number, turn: (count: number) => Promise<void>): Promise<void> {
    const startMs = performance.now();
    for (let count = 0; !finished; count++) {
      await wait(startMs + count * intervalMs - performance.now());
      await turn(count);
    }
  }

  const senders = Math.max(1, Math.round(rate / (BATCH * REQUESTS_EACH)));
  const views = Array.from({ length: senders }, (_, sender) => {
    const visitors = Array.from({ length: VISITORS }, (_, index) => `visitor-${sender}-${index}`);
    return pace((senders * BATCH * 1000) / rate, async (count) => {
      const events = Array.from({ length: BATCH }, (_, index) =>
        viewOf(visitors[index % VISITORS] as string, count * VIEWS_EACH + Math.floor(index / VISITORS)),
      );
      await post('views', events);
      for (const visitor of visitors) sent.set(visitor, (count + 1) * VIEWS_EACH);
    });
  });
  const buyer = pace(1000 / ORDERS_PER_SECOND, async (count) => {
    await post('orders', [orderOf(count)]);
    orders = count + 1;
  });

  return {
    begin() {
      answers = noAnswers();
      return answers;
    },
    async finish() {
      finished = true;
      await Promise.all([...views, buyer]);
      return sent;
    },
    orders: () => orders,
  };
}

/** Undefined when not everything of it was accepted. */
async function attempt(url: string, body: string): Promise<{ broker: number; spool: number } | undefined> {
  const response = await fetch(`${url}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${WRITE_KEY}`, 'content-type': 'application/json' },
    body,
  });
  const text = await response.text();
  if (response.status !== 200) return undefined;
  const { results } = JSON.parse(text) as { results: readonly { outcome: string; durability?: string }[] };
  if (results.some(({ outcome }) => outcome !== 'accepted' && outcome !== 'duplicate')) return undefined;
  const spool = results.filter(({ durability }) => durability === 'spool').length;
  return { broker: results.length - spool, spool };
}

/** A page view as the tracker sends it. Its id says whose it is, and which of theirs. */
const viewOf = (visitor: string, number: number) => ({
  id: `${visitor}.${number}`,
  type: 'page_view',
  anonymousId: visitor,
  sessionId: `session-of-${visitor}`,
  page: {
    url: `https://shop.example/catalogue/item-${number % 500}?ref=list`,
    path: `/catalogue/item-${number % 500}`,
    title: `Item ${number % 500}`,
    referrer: 'https://shop.example/catalogue',
  },
});

const orderOf = (number: number) => ({
  id: `order.${number}`,
  type: 'purchase',
  anonymousId: 'buyer',
  properties: { transaction_id: `T${number}`, value: 1, currency: 'EUR' },
});
