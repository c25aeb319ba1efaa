import type { Queue } from '../entities/index.js';
import { BrokerError } from '../errors.js';
import { encodeDelivery } from '../message/index.js';
import { messageKey } from '../store/keys.js';
import type { Store } from '../store/types.js';
import type { Consumers } from './consumers.js';
import type { Delivery, Taken } from './taking.js';

export interface HandoverDeps {
  readonly store: Pick<Store, 'getMany' | 'commit'>;
  readonly queue: Pick<Queue, 'id' | 'discard' | 'giveBack' | 'drop'>;
  readonly consumers: Pick<Consumers, 'has'>;
  /** Adds messages of the queue, for receivers in turn. */
  readonly take: (into: Taken) => void;
  readonly isStopped: () => boolean;
  readonly onError: (error: unknown) => void;
}

/** Brings messages that were taken out of a queue to their receivers: what the store has to be asked for is done before. */
export function createHandover({ store, queue, consumers, take, isStopped, onError }: HandoverDeps) {
  let taken: Delivery[] = [];
  const into: Taken = { count: () => taken.length, add: (delivery) => void taken.push(delivery) };

  async function readRecords(): Promise<void> {
    const missing = taken.filter(({ record }) => record === undefined);
    if (missing.length === 0) return;
    const records = await store.getMany(missing.map(({ entry }) => messageKey(queue.id, entry.sequence)));
    for (const [index, delivery] of missing.entries()) delivery.record = records[index];
  }

  /**
   * Lets go of what is known here and is not in the store: nobody can have it any more, and those behind it would wait for
   * ever. Of an entity that was deleted meanwhile that is no loss.
   */
  async function dropAbsent(): Promise<void> {
    const absent = taken.filter(({ record }) => record === undefined);
    if (absent.length === 0 || isStopped()) return;
    taken = taken.filter(({ record }) => record !== undefined);
    const numbers = absent.map(({ entry }) => entry.sequence).join(', ');
    const what = `of a queue (number ${queue.id} in the database) messages are missing: ${numbers}`;
    onError(new BrokerError('PS_BROKER_STORE_CORRUPT', what));
    const removals = absent.flatMap(({ consumer, entry, lockToken, lockedUntilMs }) => {
      if (consumer.mode !== 'transfer') consumer.cancel();
      return lockedUntilMs === undefined ? queue.discard(entry) : queue.drop(lockToken);
    });
    await store.commit(removals);
  }

  /** Gives what is forwarded to its forwarder. */
  async function transfer(): Promise<void> {
    const leaving = taken.filter(({ consumer }) => consumer.mode === 'transfer');
    if (leaving.length === 0) return;
    taken = taken.filter(({ consumer }) => consumer.mode !== 'transfer');
    const { consumer } = leaving[0] as Delivery;
    const messages = leaving.flatMap(({ record, entry }) =>
      record === undefined ? [] : [{ record, remove: () => queue.discard(entry) }],
    );
    if (consumer.mode === 'transfer' && !isStopped()) await consumer.transfer(messages);
  }

  function handTo({ consumer, entry, record, lockToken, lockedUntilMs }: Delivery): void {
    if (consumer.mode === 'transfer') return;
    const locked = lockedUntilMs !== undefined;
    if (record === undefined || isStopped() || !consumers.has(consumer)) {
      consumer.cancel();
      if (locked) queue.giveBack(lockToken);
      return;
    }
    const { sequence, deliveryCount } = entry;
    const payload = encodeDelivery(record, { sequence, deliveryCount, ...(locked ? { lockedUntilMs } : {}) });
    consumer.deliver({ lockToken, payload });
  }

  return {
    /** Whether there is something to be delivered. */
    take(): boolean {
      take(into);
      return taken.length > 0;
    },

    needsStore: (): boolean =>
      taken.some(({ record, lockedUntilMs }) => record === undefined || lockedUntilMs === undefined),

    /** What needs the store can be delivered then. */
    async prepare(): Promise<void> {
      await readRecords();
      await dropAbsent();
      await transfer();
      const removals = taken.filter(({ lockedUntilMs }) => lockedUntilMs === undefined);
      // Receive and delete: gone before it is sent, so that a crash never delivers it twice.
      if (removals.length > 0) await store.commit(removals.flatMap(({ entry }) => queue.discard(entry)));
    },

    deliver(): void {
      const deliveries = taken;
      taken = [];
      for (const delivery of deliveries) handTo(delivery);
    },
  };
}
