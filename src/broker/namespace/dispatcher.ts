import type { Clock } from '../../shared/clock.js';
import type { InTurn } from '../../shared/turns.js';
import type { Load, Queue, QueueEntry, Unfit } from '../entities/index.js';
import type { Store } from '../store/types.js';
import { type Consumer, createConsumers } from './consumers.js';
import { createHandover } from './handover.js';
import { createTaking } from './taking.js';

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
  readonly inTurn: InTurn;
  readonly newToken: () => string;
  readonly onUnfit: (message: Unfit) => void;
  readonly onError: (error: unknown) => void;
  /** Called after every round: there may be new locks. */
  readonly onRound: () => void;
}

export interface Dispatcher {
  attach(consumer: Consumer): () => void;
  /** Hands out what can be handed out; what is in memory leaves within this call. */
  pump(): void;
  /** Brings the next messages into memory; false when there are none. */
  load(): Promise<boolean>;
  /** Resolves when everything that could be handed out at this moment is. */
  quiet(): Promise<void>;
  /** Hands nothing out any more; resolves when what was on its way has come back. */
  stop(): Promise<void>;
}

/** Hands the messages of one queue to its receivers in turn, reading from the store what is not in memory. */
export function createDispatcher(deps: DispatcherDeps): Dispatcher {
  const { store, clock, queue, inTurn, newToken, onUnfit, onError } = deps;
  let running: Promise<void> | undefined;
  let again = false;
  let stopped = false;

  const consumers = createConsumers();
  const take = createTaking({ queue, consumers, newToken, onUnfit });
  const handover = createHandover({
    store,
    queue,
    consumers,
    onError,
    take: (into) => take(into, clock.now()),
    isStopped: () => stopped,
  });
  const isStarving = () => queue.available() === 0 && consumers.someoneWaits();

  /** Reads the next messages from the store into the queue's window; false when there are none to read. */
  const load = (): Promise<boolean> =>
    inTurn(async () => {
      const wanted = queue.wanted();
      if (wanted === undefined) return false;
      const { entries, complete } = await deps.load(wanted);
      queue.loaded(wanted, entries, complete);
      return true;
    });

  async function run(): Promise<void> {
    do {
      again = false;
      while (handover.take()) {
        if (handover.needsStore()) await handover.prepare();
        handover.deliver();
      }
    } while (!stopped && ((isStarving() && (await load())) || again));
  }

  function onFailure(error: unknown): void {
    onError(error);
    consumers.fail(error);
  }

  function pump(): void {
    if (stopped) return;
    if (running !== undefined) {
      again = true;
      return;
    }
    let isLeft = handover.take();
    for (; isLeft && !handover.needsStore(); isLeft = handover.take()) handover.deliver();
    if (isLeft || (queue.wanted() !== undefined && isStarving())) {
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
      return () => consumers.remove(consumer);
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
