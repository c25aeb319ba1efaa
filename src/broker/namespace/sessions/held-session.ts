import type { Clock } from '../../../shared/clock.js';
import type { InTurn } from '../../../shared/turns.js';
import type { Load, Queue, QueueEntry, SessionHold, Sessions, Unfit } from '../../entities/index.js';
import type { Store } from '../../store/types.js';
import { createBatchDeletion, type DeleteActive } from '../batch-deletion.js';
import { createDispatcher, type DispatchedQueue, type QueueConsumer } from '../dispatcher.js';
import type { PreparedSettlement, SettleOutcome, Settling } from '../settling.js';
import { loadSession } from './rows.js';

/** A session in the hands of one receiver. */
export interface HeldSession extends Settling {
  readonly sessionId: string;
  /** Whoever accepted it. */
  owner: unknown;
  lockedUntilMs(): number;
  attach(consumer: QueueConsumer): () => void;
  demandChanged(): void;
  quiet(): Promise<void>;
  release(token: string): Promise<SettleOutcome>;
  /** Removes active messages of the session, the oldest first. */
  readonly deleteActive: DeleteActive;
  /** Calls `listener` when the lock on the session has ended. */
  onLost(listener: () => void): void;
  /** The receiver gives the session back, with all messages that it has not settled: that is not a delivery. */
  leave(): void;
}

export interface HeldSessionDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly queue: Queue;
  readonly sessions: Sessions;
  readonly operations: Settling;
  readonly newToken: () => string;
  /** Keeps from reading what is being removed: the sweep of what has expired goes the same way. */
  readonly inTurn: InTurn;
  readonly readRecord: (entry: QueueEntry) => Promise<Buffer | undefined>;
  /** Removes or dead-letters a message that cannot be delivered. */
  readonly sendOff: (message: Unfit) => Promise<void>;
  /** Takes a message back that was not delivered; resolves when who reads its count is told the right one. */
  readonly giveBack: (token: string) => Promise<boolean>;
  /** Something is to be written soon. */
  readonly onRound: () => void;
  /** A message comes back because the lock on its session has ended. */
  readonly comeBack: (token: string) => Promise<unknown>;
  readonly onError: (error: unknown) => void;
  /** The session is ending until the promise resolves; then it is free. */
  readonly onEnding: (session: HeldSession, ended: Promise<void>) => void;
}

/** A held session, and what only the runtime does with it. */
export interface OwnedSession extends HeldSession {
  readonly hold: SessionHold;
  isAlive(): boolean;
  /** Reads its first messages; answers whether there are any. */
  prepare(): Promise<boolean>;
  /** The lock on the session has ended: its messages come back as if they had been abandoned. */
  lose(): void;
}

export function createHeldSession(deps: HeldSessionDeps, hold: SessionHold, owner: unknown): OwnedSession {
  const { store, clock, queue, sessions, operations } = deps;
  const { sessionId, lane, tokens } = hold;
  const lostListeners: (() => void)[] = [];
  /** What is on its way to the disk; until then the session must not be read by the next holder. */
  const pending = new Set<Promise<unknown>>();
  let closed = false;

  const isAlive = () => !closed && hold.lockedUntilMs > clock.now();

  function track<T>(work: Promise<T>): Promise<T> {
    pending.add(work);
    const done = () => void pending.delete(work);
    work.then(done, done);
    return work;
  }

  const newToken = () => {
    const token = deps.newToken();
    tokens.add(token);
    return token;
  };

  const messages: DispatchedQueue = {
    ...queue,
    available: () => (isAlive() ? lane.available() : 0),
    wanted: () => (isAlive() ? lane.wanted(sessions.publishedUpTo()) : undefined),
    loaded: lane.loaded,
    take(nowMs) {
      const taken = queue.take(nowMs, newToken, lane);
      // The locks on the messages are as long as that on the session, whose end may move.
      return taken && 'entry' in taken ? { ...taken, lockedUntilMs: hold.lockedUntilMs } : taken;
    },
    takeAway: (nowMs) => queue.takeAway(nowMs, lane),
    giveBack(token) {
      return tokens.delete(token) ? queue.giveBack(token) : undefined;
    },
    drop(token) {
      tokens.delete(token);
      return queue.drop(token);
    },
  };

  const sendOff = (message: Unfit) => void track(deps.sendOff(message)).catch(deps.onError);

  const load = (wanted: Load) => {
    const deliveriesBefore = (sequence: number) => sessions.deliveriesBefore(sessionId, sequence);
    return loadSession(store, { id: queue.id, sessionId, deliveriesBefore }, wanted);
  };

  const dispatcher = createDispatcher({
    store,
    clock,
    queue: messages,
    newToken: deps.newToken,
    load,
    inTurn: deps.inTurn,
    onError: deps.onError,
    onUnfit: sendOff,
    onRound: deps.onRound,
  });

  const deleteActive = createBatchDeletion({
    store,
    clock,
    queue: { ...queue, takeAway: messages.takeAway },
    load: dispatcher.load,
    readRecord: deps.readRecord,
  });

  /** The next message, if it cannot be delivered. */
  function unfitFront(nowMs: number): Unfit | undefined {
    const front = lane.front();
    return front && queue.unfit(front, nowMs);
  }

  async function settle(token: string, work: () => Promise<SettleOutcome>): Promise<SettleOutcome> {
    if (!isAlive() || !tokens.has(token)) return 'session-lock-lost';
    tokens.delete(token);
    const outcome = await track(work());
    dispatcher.pump();
    return outcome;
  }

  const applying = (token: string, prepared: PreparedSettlement) => () => {
    tokens.delete(token);
    const { done, ...rest } = prepared.apply();
    let committed = () => {};
    void track(
      new Promise<void>((resolve) => {
        committed = resolve;
      }),
    );
    return {
      ...rest,
      done() {
        done();
        committed();
        dispatcher.pump();
      },
    };
  };

  async function end(comesBack: (token: string) => unknown): Promise<void> {
    await dispatcher.stop();
    await Promise.allSettled(pending);
    await Promise.all([...tokens].map(comesBack));
    sessions.release(hold);
  }

  function close(comesBack: (token: string) => unknown): void {
    if (closed) return;
    closed = true;
    deps.onEnding(session, end(comesBack).catch(deps.onError));
  }

  const session: OwnedSession = {
    sessionId,
    owner,
    hold,
    isAlive,
    lockedUntilMs: () => hold.lockedUntilMs,
    attach: dispatcher.attach,
    demandChanged: dispatcher.pump,
    quiet: dispatcher.quiet,
    complete: (token) => settle(token, () => operations.complete(token)),
    abandon: (token, changes) => settle(token, () => operations.abandon(token, changes)),
    defer: (token, changes) => settle(token, () => operations.defer(token, changes)),
    deadLetter: (token, why) => settle(token, () => operations.deadLetter(token, why)),
    release: (token) => settle(token, async () => ((await deps.giveBack(token)) ? 'done' : 'lock-lost')),

    async prepareSettlement(token, action) {
      const prepared = await operations.prepareSettlement(token, action);
      return (
        prepared && {
          holds: () => isAlive() && tokens.has(token) && prepared.holds(),
          apply: applying(token, prepared),
        }
      );
    },

    deleteActive: (count, untilMs) => (isAlive() ? track(deleteActive(count, untilMs)) : Promise.resolve(0)),

    async receiveDeferred(sequences, mode) {
      if (!isAlive()) return undefined;
      const deliveries = await track(operations.receiveDeferred(sequences, mode, hold));
      if (mode === 'peek-lock' && Array.isArray(deliveries)) {
        for (const { lockToken } of deliveries) tokens.add(lockToken);
      }
      return deliveries;
    },

    async prepare() {
      for (;;) {
        const nowMs = clock.now();
        for (let front = unfitFront(nowMs); front !== undefined; front = unfitFront(nowMs)) {
          queue.takeAway(nowMs, lane);
          sendOff(front);
        }
        const wanted = lane.available() > 0 ? undefined : lane.wanted(sessions.publishedUpTo());
        if (wanted === undefined) return lane.available() > 0;
        await deps.inTurn(async () => {
          const { entries, complete } = await load(wanted);
          lane.loaded(wanted, entries, complete);
        });
      }
    },

    onLost: (listener) => void lostListeners.push(listener),
    leave: () => close(deps.giveBack),

    lose() {
      if (closed) return;
      close(deps.comeBack);
      for (const listener of lostListeners) listener();
    },
  };
  return session;
}
