import type { Entry, Storage } from './storage.js';

/** What became of one request; nothing is known of it after a network error. */
export interface Answer {
  readonly code?: number;
  /** Seconds, as in the `Retry-After` header; absent or not a number means that the server named no time. */
  readonly retryAfter?: string | null;
  /** For each event of an accepted request, whether it alone is to be sent again. */
  readonly outcomes?: readonly { readonly retryable?: boolean }[] | undefined;
}

export interface QueueDeps {
  /** Shared by all pages of the site, those to come too. */
  readonly store: Storage;
  /** What all keys in the storage begin with: events of other write keys are none of ours. */
  readonly keyPrefix: () => string;
  /** Posts events, though the page may go away meanwhile, and tells the answer; never rejects. */
  readonly post: (events: readonly string[]) => Promise<Answer>;
  /** Runs the task when no other page is running one, as far as the browser can tell; never rejects. */
  readonly exclusively: (task: () => Promise<void>) => Promise<void>;
  /** Whether the visitor allows to send, and the network does. */
  readonly maySend: () => unknown;
}

export interface Queue {
  /** Takes an event, already as JSON. */
  enqueue(event: string): void;
  /** Sends soon what waits, such as what earlier pages have left. */
  wake(): void;
  /** The same, though requests have failed: the network is back. */
  retry(): void;
  /** Sends what waits now: the page may be gone in a moment. */
  leave(): void;
  /** Forgets what waits, wherever it is. */
  wipe(): void;
}

const BATCH_EVENTS = 20;
/**
 * Browsers let all requests of a page that outlive it together be 64 KiB. They are two at the most, a character is 3 bytes
 * at the worst, and consent is said with each event.
 */
const BATCH_CHARACTERS = 8_000;
const BATCH_DELAY_MS = 1_000;
/** Of the first pause, half is random, so that the browsers of a site do not come back all at once. */
const HALF_RETRY_MS = 500;
const QUEUE_EVENTS = 1_000;
/** Browsers let a site store 5 million characters, most of which are for others. */
const QUEUE_CHARACTERS = 500_000;
/** A server may ask for more patience than a page has. */
const LONGEST_PAUSE_MS = 600_000;
/** More than a collector takes to answer. */
export const REQUEST_TIMEOUT_MS = 30_000;

/** The first of `waiting`, as many as fit; one at the least. */
function firstOf(waiting: readonly Entry[], maxEvents = BATCH_EVENTS, maxCharacters = BATCH_CHARACTERS) {
  let characters = 0;
  return waiting.filter(([, { length }], index) => {
    characters += length;
    return !index || (index < maxEvents && characters <= maxCharacters);
  });
}

/**
 * Holds events until the collector has answered for them, each under a key of its own that sorts by time, so that pages
 * which add at once do not overwrite each other. One request is under way at a time, of all pages: whoever sends, sends
 * everything, in order.
 *
 * After a network error, 408, 429 or 5xx the same events, with the same ids, are sent again, and so are single events
 * that the collector could not take yet. Any other answer is final, since what a collector has rejected it would reject
 * again. When the queue is full the oldest event goes.
 */
export function createQueue({ store, keyPrefix, post, exclusively, maySend }: QueueDeps): Queue {
  let sending: readonly Entry[] = [];
  let failures = 0;
  let lastMs = 0;
  let timer: ReturnType<typeof setTimeout> | number = 0;

  const entries = () => store.list(keyPrefix());
  const remove = (batch: readonly Entry[]) => {
    for (const [key] of batch) store.write(key);
  };
  /**
   * Until when no page is to send: one has a request under way, or the last one failed. It stands until a request
   * succeeds.
   */
  const holdKey = () => `/${keyPrefix()}`;
  const hold = (ms: number) => store.write(holdKey(), ms && `${Date.now() + ms}`);
  const heldMs = () => {
    const ms = +(store.read(holdKey()) as string) - Date.now();
    // The clock was set back.
    return ms > LONGEST_PAUSE_MS ? 0 : ms;
  };
  const send = async (batch: readonly Entry[]) => {
    const { code = 500, retryAfter, outcomes } = await post(batch.map(([, event]) => event));
    const isRefused = /408|429|^5/.test(code as unknown as string);
    let pauseMs = 0;
    batch.forEach(([key, event], index) => {
      const isKept = isRefused || outcomes?.[index]?.retryable;
      store.write(key, isKept && event);
      if (isKept) pauseMs = +(retryAfter as string) * 1000 || HALF_RETRY_MS * 2 ** failures * (1 + Math.random());
    });
    failures = pauseMs && failures + 1;
    hold(Math.min(pauseMs, LONGEST_PAUSE_MS));
    wake();
  };
  const flush = async () => {
    timer = 0;
    if (!maySend()) return;
    await exclusively(async () => {
      const batch = firstOf(entries());
      // Another page may have sent them meanwhile, or have failed to.
      if (!batch[0] || heldMs() > 0) return;
      // What has failed before stays where it is, should the page go away meanwhile.
      if (!store.read(holdKey())) sending = batch;
      hold(REQUEST_TIMEOUT_MS);
      await send(batch);
      sending = [];
    });
    wake();
  };
  const wake = () => {
    clearTimeout(timer);
    const { length } = entries();
    timer = length && setTimeout(flush, Math.max(heldMs(), length < BATCH_EVENTS ? BATCH_DELAY_MS : 0));
  };
  return {
    enqueue(event) {
      // The clock may be set back; the order stays.
      lastMs = Math.max(lastMs + 1, Date.now());
      store.write(keyPrefix() + lastMs + Math.random(), event);
      const waiting = entries().reverse();
      remove(waiting.slice(firstOf(waiting, QUEUE_EVENTS, QUEUE_CHARACTERS).length));
      if (!timer || waiting.length >= BATCH_EVENTS) wake();
    },
    wake,
    retry() {
      hold(0);
      wake();
    },
    leave() {
      // While requests fail, what is stored is safer than a request of which nobody will know what became; and while
      // another page sends, it sends this too.
      if ((!sending[0] && store.read(holdKey())) || !maySend()) return;
      // The browser finishes the request under way: the next page is not to send it again, nor to wait for it.
      remove(sending);
      hold(0);
      const batch = firstOf(entries());
      remove(batch);
      if (batch[0]) void send(batch);
    },
    wipe() {
      remove(entries());
      hold(0);
    },
  };
}
