import type { Clock } from '../../../shared/clock.js';
import type { InTurn } from '../../../shared/turns.js';
import type { Queue, QueueEntry, SessionHold, Sessions, Unfit } from '../../entities/index.js';
import type { Store } from '../../store/types.js';
import { createBatchDeletion, type DeleteActive } from '../batch-deletion.js';
import type { QueueConsumer } from '../consumers.js';
import { createDispatcher } from '../dispatcher.js';
import type { SettleOutcome, Settling } from '../settling.js';
import { createPendingWork } from './pending-work.js';
import { createSessionMessages } from './session-messages.js';
import { createSessionSettling } from './session-settling.js';

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
  const { store, clock, queue, sessions, operations, inTurn, newToken, onError } = deps;
  const lostListeners: (() => void)[] = [];
  /** Until it has ended the session must not be read by the next holder. */
  const pending = createPendingWork();
  let closed = false;

  const isAlive = () => !closed && hold.lockedUntilMs > clock.now();
  const sendOff = (message: Unfit) => void pending.track(deps.sendOff(message)).catch(onError);
  const messages = createSessionMessages({ store, clock, queue, sessions, hold, isAlive, newToken, inTurn, sendOff });
  const dispatcher = createDispatcher({
    store,
    clock,
    queue: messages.dispatched,
    load: messages.load,
    newToken,
    inTurn,
    onError,
    onUnfit: sendOff,
    onRound: deps.onRound,
  });
  const { track } = pending;
  const { giveBack } = deps;
  const settling = createSessionSettling({ hold, isAlive, operations, giveBack, track, pump: dispatcher.pump });
  const deleteActive = createBatchDeletion({
    store,
    clock,
    readRecord: deps.readRecord,
    load: dispatcher.load,
    queue: { takeAway: messages.dispatched.takeAway, stay: queue.stay, discard: queue.discard },
  });

  async function end(comesBack: (token: string) => unknown): Promise<void> {
    await dispatcher.stop();
    await pending.settled();
    await Promise.all([...hold.tokens].map(comesBack));
    sessions.release(hold);
  }

  function close(comesBack: (token: string) => unknown): void {
    if (closed) return;
    closed = true;
    deps.onEnding(session, end(comesBack).catch(onError));
  }

  const session: OwnedSession = {
    sessionId: hold.sessionId,
    owner,
    hold,
    isAlive,
    lockedUntilMs: () => hold.lockedUntilMs,
    attach: dispatcher.attach,
    demandChanged: dispatcher.pump,
    quiet: dispatcher.quiet,

    // One by one: with a spread V8 would keep so large an object as a dictionary.
    complete: settling.complete,
    abandon: settling.abandon,
    defer: settling.defer,
    deadLetter: settling.deadLetter,
    release: settling.release,
    receiveDeferred: settling.receiveDeferred,
    prepareSettlement: settling.prepareSettlement,

    deleteActive: (count, untilMs) => (isAlive() ? track(deleteActive(count, untilMs)) : Promise.resolve(0)),
    prepare: messages.readFirst,
    onLost: (listener) => void lostListeners.push(listener),
    leave: () => close(giveBack),
    lose() {
      if (closed) return;
      close(deps.comeBack);
      for (const listener of lostListeners) listener();
    },
  };
  return session;
}
