/** What became of one request. `status` 0 is a network error. */
export interface Answer {
  readonly status: number;
  /** Seconds, as in the `Retry-After` header; absent or not a number means that the server named no time. */
  readonly retryAfter?: string | null;
  /** For each event of an accepted request, whether it alone is to be sent again. */
  readonly again?: readonly boolean[];
}

export interface QueueDeps {
  /** Posts a body and tells the answer; never rejects. */
  readonly post: (body: string) => Promise<Answer>;
  /** Hands a body to the browser to be sent after the page is gone; false when the browser takes no more. */
  readonly beacon: (body: string) => boolean;
  readonly now: () => number;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Returns what cancels the timer. */
  readonly setTimer: (callback: () => void, delayMs: number) => () => void;
}

export interface Queue {
  /** Takes an event, already as JSON. */
  add(event: string): void;
  /** Sends what waits by beacons: the page may be gone in a moment. */
  leave(): void;
}

const BATCH_EVENTS = 20;
/** Browsers let all beacons and keep-alive requests of a page together be 64 KiB; 3 bytes a character at the worst. */
const BATCH_CHARACTERS = 20_000;
const BATCH_DELAY_MS = 1_000;
const QUEUE_EVENTS = 1_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;
/** A server may ask for more patience than a page has; timers overflow at 24 days. */
const LONGEST_WAIT_MS = 3_600_000;

/**
 * Holds events until the collector has answered for them. One request is under way at a time, so order is kept. After
 * a network error, 408, 429 or 5xx the same events, with the same ids, are sent again, and so are single events that the
 * collector could not take yet. Any other answer is final, since what a collector has rejected it would reject again.
 * When the queue is full the oldest event goes.
 */
export function createQueue({ post, beacon, now, random, setTimer }: QueueDeps): Queue {
  const waiting: string[] = [];
  let underWay = 0;
  let failures = 0;
  let cancelTimer: (() => void) | undefined;

  const batchSize = () => {
    let characters = 0;
    let count = 0;
    while (count < BATCH_EVENTS && count < waiting.length) {
      characters += (waiting[count] as string).length;
      if (count > 0 && characters > BATCH_CHARACTERS) break;
      count++;
    }
    return count;
  };
  const envelope = (count: number) =>
    `{"sentAt":"${new Date(now()).toISOString()}","events":[${waiting.slice(0, count).join()}]}`;
  const schedule = (delayMs: number) => {
    cancelTimer?.();
    cancelTimer = setTimer(flush, delayMs);
  };
  const retryDelayMs = (retryAfter?: string | null) => {
    const named = Number(retryAfter || Number.NaN) * 1000;
    // Half of the delay is random, so that the browsers of a site do not come back all at once.
    const backoff = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++) * (0.5 + random() / 2);
    return named > 0 ? Math.min(named, LONGEST_WAIT_MS) : backoff;
  };
  const flush = async () => {
    cancelTimer?.();
    cancelTimer = undefined;
    if (underWay || !waiting.length) return;
    underWay = batchSize();
    const { status, retryAfter, again } = await post(envelope(underWay));
    const allAgain = !status || status === 408 || status === 429 || status >= 500;
    const unsettled = waiting.splice(0, underWay).filter((_, index) => allAgain || again?.[index]);
    waiting.unshift(...unsettled);
    underWay = 0;
    if (unsettled.length) schedule(retryDelayMs(retryAfter));
    else {
      failures = 0;
      if (waiting.length) schedule(waiting.length < BATCH_EVENTS ? BATCH_DELAY_MS : 0);
    }
  };
  return {
    add(event) {
      // The events under way stay: their answer is still to come and removes them from the front.
      if (waiting.length >= QUEUE_EVENTS) waiting.splice(underWay, 1);
      waiting.push(event);
      if (waiting.length >= BATCH_EVENTS && !failures) void flush();
      else if (!underWay && !cancelTimer) schedule(BATCH_DELAY_MS);
    },
    leave() {
      // A request under way is kept alive by the browser; only what has not been sent needs a beacon.
      const sent = waiting.splice(0, underWay);
      for (let count = batchSize(); count && beacon(envelope(count)); count = batchSize()) waiting.splice(0, count);
      waiting.unshift(...sent);
    },
  };
}
