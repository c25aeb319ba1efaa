import type { Clock } from '../../shared/clock.js';
import type { InTurn } from '../../shared/turns.js';
import type { Load, Queue, QueueEntry, Unfit } from '../entities/index.js';
import { BrokerError } from '../errors.js';
import { encodeDelivery } from '../message/index.js';
import { messageKey } from '../store/keys.js';
import type { Store, Write } from '../store/types.js';

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

/** The messages of a queue, or of one session of it, as they are handed out. */
export type DispatchedQueue = Pick<
  Queue,
  'id' | 'available' | 'wanted' | 'loaded' | 'take' | 'takeAway' | 'discard' | 'giveBack' | 'drop'
>;

export interface Loaded {
  readonly entries: readonly QueueEntry[];
  /** Whether the range has no more. */
  readonly complete: boolean;
}

export interface DispatcherDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly queue: DispatchedQueue;
  /** Reads messages from the store. */
  readonly load: (wanted: Load) => Promise<Loaded>;
  /** Keeps from reading what others are about to remove. */
  readonly inTurn?: InTurn;
  readonly newToken: () => string;
  readonly onUnfit: (message: Unfit) => void;
  readonly onError: (error: unknown) => void;
  /** Called after every round: there may be new locks. */
  readonly onRound: () => void;
}

export interface Dispatcher {
  attach(consumer: QueueConsumer | TransferConsumer): () => void;
  /** Hands out what can be handed out; what is in memory leaves within this call. */
  pump(): void;
  /** Brings the next messages into memory; false when there are none. */
  load(): Promise<boolean>;
  /** Resolves when everything that could be handed out at this moment is. */
  quiet(): Promise<void>;
  /** Hands nothing out any more; resolves when what was on its way has come back. */
  stop(): Promise<void>;
}

interface Delivery {
  readonly consumer: QueueConsumer | TransferConsumer;
  readonly entry: QueueEntry;
  readonly lockToken: string;
  /** Undefined for receive and delete. */
  readonly lockedUntilMs: number | undefined;
  record: Buffer | undefined;
}

/** How many messages, and bytes of them, are taken in one go before they are sent. */
const TAKEN_AT_ONCE = 256;
const TAKEN_BYTES = 4 * 1024 * 1024;

/** Hands the messages of one queue to its receivers in turn, reading from the store what is not in memory. */
export function createDispatcher(deps: DispatcherDeps): Dispatcher {
  const { store, clock, queue, newToken } = deps;
  const inTurn: InTurn = deps.inTurn ?? ((work) => work());
  const consumers = new Set<QueueConsumer | TransferConsumer>();
  let turn: (QueueConsumer | TransferConsumer)[] = [];
  let taken: Delivery[] = [];
  let running: Promise<void> | undefined;
  let again = false;
  let stopped = false;

  /** The next receiver in turn that can take a message. */
  function nextConsumer(): QueueConsumer | TransferConsumer | undefined {
    for (let consumer = turn.pop(); consumer; consumer = turn.pop()) {
      if (consumers.has(consumer) && consumer.wants()) return consumer;
    }
    turn = [...consumers].filter((consumer) => consumer.wants());
    return turn.pop();
  }

  const someoneWaits = () => {
    for (const consumer of consumers) if (consumer.wants()) return true;
    return false;
  };

  function takeFor(consumer: QueueConsumer | TransferConsumer, nowMs: number): Delivery | 'unfit' | undefined {
    if (consumer.mode === 'peek-lock') {
      const item = queue.take(nowMs, newToken);
      if (item === undefined) return undefined;
      if ('entry' in item) return { consumer, ...item };
      deps.onUnfit(item);
      return 'unfit';
    }
    const item = queue.takeAway(nowMs);
    if (item === undefined) return undefined;
    if ('expired' in item) {
      deps.onUnfit(item);
      return 'unfit';
    }
    const { entry } = item;
    return { consumer, entry, record: entry.record, lockToken: newToken(), lockedUntilMs: undefined };
  }

  function take(): void {
    const nowMs = clock.now();
    let bytes = 0;
    while (taken.length < TAKEN_AT_ONCE && bytes < TAKEN_BYTES && queue.available() > 0) {
      const consumer = nextConsumer();
      if (consumer === undefined) return;
      const delivery = takeFor(consumer, nowMs);
      if (delivery === undefined) return;
      if (delivery === 'unfit') continue;
      if (consumer.mode !== 'transfer') consumer.reserve();
      bytes += delivery.entry.sizeBytes;
      taken.push(delivery);
    }
  }

  const needsStore = () =>
    taken.some(({ record, lockedUntilMs }) => record === undefined || lockedUntilMs === undefined);

  async function prepare(): Promise<void> {
    const missing = taken.filter(({ record }) => record === undefined);
    if (missing.length > 0) {
      const records = await store.getMany(missing.map(({ entry }) => messageKey(queue.id, entry.sequence)));
      for (const [index, delivery] of missing.entries()) delivery.record = records[index];
    }
    await dropAbsent();
    await transfer();
    const removals = taken.filter(({ lockedUntilMs }) => lockedUntilMs === undefined);
    // Receive and delete: gone before it is sent, so that a crash never delivers it twice.
    if (removals.length > 0) await store.commit(removals.flatMap(({ entry }) => queue.discard(entry)));
  }

  /**
   * Lets go of what is known here and is not in the store: nobody can have it any more, and those behind it would wait for
   * ever. Of an entity that was deleted meanwhile that is no loss.
   */
  async function dropAbsent(): Promise<void> {
    const absent = taken.filter(({ record }) => record === undefined);
    if (absent.length === 0 || stopped) return;
    taken = taken.filter(({ record }) => record !== undefined);
    const numbers = absent.map(({ entry }) => entry.sequence).join(', ');
    const what = `of a queue (number ${queue.id} in the database) messages are missing: ${numbers}`;
    deps.onError(new BrokerError('PS_BROKER_STORE_CORRUPT', what));
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
    if (consumer.mode === 'transfer' && !stopped) await consumer.transfer(messages);
  }

  function deliver(): void {
    const deliveries = taken;
    taken = [];
    for (const { consumer, entry, record, lockToken, lockedUntilMs } of deliveries) {
      if (consumer.mode === 'transfer') continue;
      const locked = lockedUntilMs !== undefined;
      if (record === undefined || stopped || !consumers.has(consumer)) {
        consumer.cancel();
        if (locked) queue.giveBack(lockToken);
        continue;
      }
      const { sequence, deliveryCount } = entry;
      const payload = encodeDelivery(record, { sequence, deliveryCount, ...(locked ? { lockedUntilMs } : {}) });
      consumer.deliver({ lockToken, payload });
    }
  }

  /** Reads the next messages from the store into the queue's window; false when there are none to read. */
  const load = (): Promise<boolean> =>
    inTurn(async () => {
      const wanted = queue.wanted();
      if (wanted === undefined) return false;
      const { entries, complete } = await deps.load(wanted);
      queue.loaded(wanted, entries, complete);
      return true;
    });

  const loadForSomeone = async (): Promise<boolean> => (queue.available() === 0 && someoneWaits() ? load() : false);

  async function run(): Promise<void> {
    do {
      again = false;
      take();
      while (taken.length > 0) {
        if (needsStore()) await prepare();
        deliver();
        take();
      }
    } while (!stopped && ((await loadForSomeone()) || again));
  }

  function onFailure(error: unknown): void {
    deps.onError(error);
    for (const consumer of [...consumers]) if (consumer.mode !== 'transfer') consumer.fail?.(error);
  }

  function pump(): void {
    if (stopped) return;
    if (running !== undefined) {
      again = true;
      return;
    }
    for (take(); taken.length > 0 && !needsStore(); take()) deliver();
    if (taken.length > 0 || (queue.wanted() !== undefined && queue.available() === 0 && someoneWaits())) {
      running = run()
        .catch(onFailure)
        .finally(() => {
          running = undefined;
          deps.onRound();
          if (again) pump();
        });
    }
    deps.onRound();
  }

  return {
    attach(consumer) {
      consumers.add(consumer);
      pump();
      return () => void consumers.delete(consumer);
    },
    pump,
    load,
    async quiet() {
      pump();
      while (running !== undefined) await running;
    },
    async stop() {
      stopped = true;
      consumers.clear();
      await running;
    },
  };
}
