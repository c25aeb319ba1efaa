import type { Queue, QueueEntry, Unfit } from '../entities/index.js';
import type { Consumer, Consumers } from './consumers.js';

export interface TakingDeps {
  readonly queue: Pick<Queue, 'available' | 'take' | 'takeAway'>;
  readonly consumers: Pick<Consumers, 'next'>;
  readonly newToken: () => string;
  readonly onUnfit: (message: Unfit) => void;
}

/** A message that has left the queue and is not yet with its receiver. */
export interface Delivery {
  readonly consumer: Consumer;
  readonly entry: QueueEntry;
  readonly lockToken: string;
  /** Undefined for receive and delete. */
  readonly lockedUntilMs: number | undefined;
  record: Buffer | undefined;
}

/** Where it goes: what was there may be handed over while more is taken. */
export interface Taken {
  count(): number;
  add(delivery: Delivery): void;
}

/** How many messages, and bytes of them, are taken in one go before they are sent. */
const TAKEN_AT_ONCE = 256;
const TAKEN_BYTES = 4 * 1024 * 1024;

/** Takes messages out of a queue for the receivers whose turn it is; what cannot be delivered goes elsewhere. */
export function createTaking({ queue, consumers, newToken, onUnfit }: TakingDeps) {
  function takeFor(consumer: Consumer, nowMs: number): Delivery | 'unfit' | undefined {
    if (consumer.mode === 'peek-lock') {
      const item = queue.take(nowMs, newToken);
      if (item === undefined) return undefined;
      if ('entry' in item) return { consumer, ...item };
      onUnfit(item);
      return 'unfit';
    }
    const item = queue.takeAway(nowMs);
    if (item === undefined) return undefined;
    if ('expired' in item) {
      onUnfit(item);
      return 'unfit';
    }
    const { entry } = item;
    return { consumer, entry, record: entry.record, lockToken: newToken(), lockedUntilMs: undefined };
  }

  /** Adds to what is taken, up to a bound. */
  return function take(taken: Taken, nowMs: number): void {
    let bytes = 0;
    while (taken.count() < TAKEN_AT_ONCE && bytes < TAKEN_BYTES && queue.available() > 0) {
      const consumer = consumers.next();
      if (consumer === undefined) return;
      const delivery = takeFor(consumer, nowMs);
      if (delivery === undefined) return;
      if (delivery === 'unfit') continue;
      if (consumer.mode !== 'transfer') consumer.reserve();
      bytes += delivery.entry.sizeBytes;
      taken.add(delivery);
    }
  };
}
