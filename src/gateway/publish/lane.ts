import { PublishError } from '../../messaging/index.js';
import type { CancelTimer, Clock } from '../../shared/clock.js';
import type { Failure, Outcome } from './ticket.js';

export interface LaneItem {
  /** What the item takes of a batch. May grow until the item is sent. */
  readonly bytes: number;
  /** After this instant nobody waits for it any more. */
  readonly deadlineMs: number;
  /** Called exactly once: it is at its broker, or it failed. */
  settle(outcome: Outcome): void;
}

export interface LaneDeps<Item extends LaneItem> {
  readonly clock: Clock;
  /** Runs a task once everything that is ready now has been read, so that requests of one moment meet in one batch. */
  readonly defer: (task: () => void) => void;
  /** Sends items from the front as one batch; resolves with how many of them the broker settled. Throws PublishError. */
  readonly send: (items: readonly Item[]) => Promise<number>;
  /** Told of every error but an oversized item, after the items that it concerns have been settled. */
  readonly onError: (error: PublishError) => void;
}

export interface LaneOptions {
  readonly maxBatchBytes: number;
  /** How long one send may take. */
  readonly timeoutMs: number;
  /** When this much waits, it goes without waiting for the batch in flight. Without it there is one batch at a time. */
  readonly pipelineBytes?: number;
}

/** Enough to keep broker and gateway busy at once; more would only make batches smaller. */
const MAX_IN_FLIGHT = 3;

export interface Lane<Item extends LaneItem> {
  add(item: Item): void;
  /** Settles everything that waits (but not what is in flight) as failed. */
  failWaiting(failure: Failure): void;
  /** Nothing waits and nothing is in flight. */
  isIdle(): boolean;
}

/**
 * One ordered way into a broker: a partition of a hub, or a topic. While a batch is in flight the next one gathers, so
 * batches grow with the load and nothing waits for a timer; under a load that fills `pipelineBytes` meanwhile, a few
 * batches are in flight, in order. When a send fails, so does all that waits: the broker is away, and whoever waits
 * learns it at once.
 */
export function createLane<Item extends LaneItem>(deps: LaneDeps<Item>, options: LaneOptions): Lane<Item> {
  let queue: Item[] = [];
  let inFlight = 0;
  /** A batch was refused as too large: its first item is sent by itself next, to learn whether it is the one. */
  let probeFirst = false;
  let scheduled = false;

  const settle = (items: readonly Item[], outcome: Outcome) => {
    for (const item of items) item.settle(outcome);
  };

  /** Takes what fits into one batch, at least one; what nobody waits for any more is settled instead. */
  const take = (): Item[] => {
    const nowMs = deps.clock.now();
    let late = 0;
    while (late < queue.length && (queue[late] as Item).deadlineMs <= nowMs) late++;
    let bytes = 0;
    let end = late;
    for (; end < queue.length; end++) {
      bytes += (queue[end] as Item).bytes;
      if (end > late && (probeFirst || bytes > options.maxBatchBytes)) break;
    }
    if (end > late) probeFirst = false;
    const expired = queue.slice(0, late);
    const batch = queue.slice(late, end);
    queue = queue.slice(end);
    if (expired.length > 0) settle(expired, 'timeout');
    return batch;
  };

  const mayGo = (): boolean => {
    if (queue.length === 0) return false;
    if (inFlight === 0) return true;
    if (options.pipelineBytes === undefined || inFlight === MAX_IN_FLIGHT) return false;
    let bytes = 0;
    for (const item of queue) bytes += item.bytes;
    return bytes >= options.pipelineBytes;
  };

  const flush = () => {
    scheduled = false;
    if (!mayGo()) return;
    const batch = take();
    if (batch.length === 0) return;
    inFlight++;
    void sendWithin(deps.clock, options.timeoutMs, () => deps.send(batch)).then(
      (sent) => {
        inFlight--;
        // What did not fit goes first next time: the order stays.
        if (sent < batch.length) queue = batch.slice(sent).concat(queue);
        schedule();
        settle(batch.slice(0, sent), 'broker');
      },
      (error: unknown) => {
        inFlight--;
        fail(batch, error instanceof PublishError ? error : unexpected(error));
      },
    );
  };

  const fail = (batch: Item[], error: PublishError) => {
    if (error.code === 'PS_PUBLISH_TOO_LARGE') {
      probeFirst = batch.length > 1;
      queue = probeFirst ? batch.concat(queue) : queue;
      schedule();
      if (!probeFirst) settle(batch, 'too_large');
      return;
    }
    const waiting = queue;
    queue = [];
    deps.onError(error);
    settle(batch, error.code === 'PS_PUBLISH_TIMEOUT' ? 'timeout' : 'unavailable');
    if (waiting.length > 0) settle(waiting, 'unavailable');
  };

  const schedule = () => {
    if (scheduled || !mayGo()) return;
    scheduled = true;
    deps.defer(flush);
  };

  return {
    add(item) {
      queue.push(item);
      schedule();
    },
    failWaiting(failure) {
      const waiting = queue;
      queue = [];
      if (waiting.length > 0) settle(waiting, failure);
    },
    isIdle: () => inFlight === 0 && queue.length === 0,
  };
}

/** Sends, but waits no longer than `timeoutMs`; what comes of it afterwards is nobody's any more. */
export function sendWithin(clock: Clock, timeoutMs: number, send: () => Promise<number>): Promise<number> {
  return new Promise((resolve, reject) => {
    const cancel: CancelTimer = clock.setTimer(
      () => reject(new PublishError('PS_PUBLISH_TIMEOUT', `no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    send().then(resolve, reject).finally(cancel);
  });
}

export function unexpected(cause: unknown): PublishError {
  return new PublishError('PS_PUBLISH_UNAVAILABLE', 'sending failed in an unforeseen way', { cause });
}
