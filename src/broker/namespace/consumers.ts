import type { Write } from '../store/types.js';

export interface QueueDelivery {
  /** The identity of the lock: a UUID as 32 hexadecimal digits. */
  readonly lockToken: string;
  readonly payload: Buffer;
}

/** A message on its way to another entity. */
interface Transferred {
  readonly record: Buffer;
  /** The writes that remove it here; to be committed in the same step, with those that put it there. */
  remove(): Write[];
}

/** What takes every message of a queue for another entity. */
export interface TransferConsumer {
  readonly mode: 'transfer';
  wants(): boolean;
  /** Resolves when they have arrived. */
  transfer(messages: readonly Transferred[]): Promise<void>;
}

/** A receiver as the queue sees it. */
export interface QueueConsumer {
  /** `receive-and-delete` takes messages for good before they are sent. */
  readonly mode: 'peek-lock' | 'receive-and-delete';
  /** Whether it can take one more message now. */
  wants(): boolean;
  /** Sets a place aside for a message that is coming; `deliver` or `cancel` follows. */
  reserve(): void;
  deliver(delivery: QueueDelivery): void;
  cancel(): void;
  /** What it waits for cannot be read: it is told, since it would wait for ever. */
  readonly fail?: (error: unknown) => void;
}

export type Consumer = QueueConsumer | TransferConsumer;

export type Consumers = ReturnType<typeof createConsumers>;

/** The receivers of a queue, and whose turn it is. */
export function createConsumers() {
  const attached = new Set<Consumer>();
  /** Who has not had its turn in this round, the next one last. */
  let round: Consumer[] = [];

  return {
    add: (consumer: Consumer): void => void attached.add(consumer),
    remove: (consumer: Consumer): void => void attached.delete(consumer),
    clear: (): void => attached.clear(),
    has: (consumer: Consumer): boolean => attached.has(consumer),

    /** The next receiver in turn that can take a message. */
    next(): Consumer | undefined {
      for (let consumer = round.pop(); consumer; consumer = round.pop()) {
        if (attached.has(consumer) && consumer.wants()) return consumer;
      }
      round = [...attached].filter((consumer) => consumer.wants());
      return round.pop();
    },

    someoneWaits(): boolean {
      for (const consumer of attached) if (consumer.wants()) return true;
      return false;
    },

    /** Tells receivers that what they wait for cannot be read. */
    fail(error: unknown): void {
      for (const consumer of [...attached]) if (consumer.mode !== 'transfer') consumer.fail?.(error);
    },
  };
}
