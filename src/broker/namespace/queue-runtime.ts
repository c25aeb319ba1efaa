import type { Clock } from '../../shared/clock.js';
import { createTurns } from '../../shared/turns.js';
import { createQueue, createSessions, type QueueEntry, type QueueState, type WindowBounds } from '../entities/index.js';
import type { Storable } from '../message/index.js';
import { storeStateKey } from '../store/keys.js';
import type { Store, Write } from '../store/types.js';
import { readActive } from './active-reader.js';
import { createAlarm } from './alarm.js';
import { createBatchDeletion, type DeleteActive } from './batch-deletion.js';
import type { QueueConsumer, TransferConsumer } from './consumers.js';
import { createDeadLettering } from './dead-lettering.js';
import { createDeferredAccess } from './deferred-access.js';
import { createDeliveryNotes } from './delivery-notes.js';
import { createDirectSettlement } from './direct-settlement.js';
import { createDispatcher } from './dispatcher.js';
import { createExpirySweep } from './expiry-sweep.js';
import { type PeekedMessage, peekMessages } from './peek.js';
import { createPreparation } from './prepared-settlement.js';
import { createSessionRuntime, type SessionRuntime } from './sessions/session-runtime.js';
import type { SettleOutcome, Settling } from './settling.js';
import type { Staged } from './staged.js';
import { createStaging } from './staging.js';
import { encodeQueueState } from './states.js';

export interface QueueRuntimeSettings {
  readonly lockDurationMs: number;
  readonly maxDeliveryCount: number;
  readonly defaultMessageTimeToLiveMs: number;
  readonly deadLetteringOnMessageExpiration: boolean;
}

export interface QueueRuntimeDeps {
  readonly store: Store;
  readonly clock: Clock;
  /** A new lock token: a UUID as 32 hexadecimal digits. */
  readonly newToken: () => string;
  /** Takes what can be told to no client: a store that fails in the background. */
  readonly onError: (error: unknown) => void;
}

export interface QueueRuntimeOptions {
  readonly id: number;
  readonly state: QueueState;
  /** When it was last used, as an earlier life knew. */
  readonly accessedAtMs?: number | undefined;
  readonly settings: () => QueueRuntimeSettings;
  /** How much of the queue is held in memory. */
  readonly window?: WindowBounds;
  /** Where messages go that cannot be delivered; absent for a dead-letter queue itself. */
  readonly deadLetters?: QueueRuntime;
  /** Where messages go that cannot be forwarded. */
  readonly transferDeadLetters?: QueueRuntime;
  /** Messages are taken by session. */
  readonly requiresSession?: boolean;
  /** Below which number messages of its sessions were delivered in an earlier life. */
  readonly deliveredInSessions?: ReadonlyMap<string, number>;
}

/** A queue with its store, its clock and its receivers. Promises resolve when what they say is durable. */
export interface QueueRuntime extends Settling {
  readonly id: number;
  readonly deadLetters: QueueRuntime | undefined;
  readonly transferDeadLetters: QueueRuntime | undefined;
  /** Gives a sequence number to a message that is stored elsewhere. */
  skipSequence(): number;
  /** Where sessions are required: then messages are received through them alone. */
  readonly sessions: SessionRuntime | undefined;
  /** Puts a message; `write` has to be committed in the same step, and `publishAll` called after it. */
  stage(message: Storable): Staged;
  stageRecord(record: Buffer, expiresAtMs: number, deliveryCount?: number): Staged;
  /** Answers the function that detaches. */
  attach(consumer: QueueConsumer | TransferConsumer): () => void;
  /** Says that a receiver can take more. */
  demandChanged(): void;
  quiet(): Promise<void>;
  /** Takes a message back that its receiver did not want; this does not count as a delivery. */
  release(token: string): Promise<SettleOutcome>;
  /** The new end of the lock, or undefined when it was lost. */
  renew(token: string): number | undefined;
  /** Removes active messages, the oldest first. */
  readonly deleteActive: DeleteActive;
  /** Messages of every state from a sequence number on, without locking them. */
  peek(fromSequence: number, limit: number): Promise<PeekedMessage[]>;
  /** Of all messages, whatever their state. */
  sizeBytes(): number;
  facts(): QueueState & { readonly accessedAtMs: number };
  /** Adds what has to be written with the next batch. */
  contribute(into: Write[]): void;
  /** Looks for what expired meanwhile; called once everything is open. */
  start(): void;
  stop(): void;
}

const NEVER = Number.POSITIVE_INFINITY;

export function createQueueRuntime(deps: QueueRuntimeDeps, options: QueueRuntimeOptions): QueueRuntime {
  const { store, clock, onError } = deps;
  const { id, settings, deadLetters, transferDeadLetters } = options;
  const limits = () => ({
    lockDurationMs: settings().lockDurationMs,
    maxDeliveryCount: deadLetters === undefined ? NEVER : settings().maxDeliveryCount,
  });
  const sessions = options.requiresSession
    ? createSessions(options.state, undefined, options.deliveredInSessions)
    : undefined;
  const queue = createQueue(id, limits, options.state, {
    ...(options.window && { bounds: options.window }),
    ...(sessions && { sessions }),
  });
  let accessedAtMs = options.accessedAtMs ?? clock.now();

  const background = (work: Promise<unknown>) => void work.catch(onError);
  const readRecord = async (entry: QueueEntry): Promise<Buffer | undefined> =>
    entry.record ?? (await store.get(queue.recordKey(entry)));
  const inTurn = createTurns();
  const deadLettering = createDeadLettering({
    ...{ store, queue, readRecord, deadLetters },
    keepsExpired: () => settings().deadLetteringOnMessageExpiration,
  });
  const { expire, sendOff } = deadLettering;
  const notes = createDeliveryNotes({ store, clock, queue, onError });
  const sweep = createExpirySweep({ store, clock, queue, inTurn, expire, onError });
  const dispatcher = createDispatcher({
    ...{ store, clock, queue, inTurn, onError },
    async load(wanted) {
      const entries = await readActive(store, queue, wanted);
      return { entries, complete: entries.length === 0 };
    },
    newToken: deps.newToken,
    onUnfit: (message) => background(sendOff(message)),
    onRound() {
      scheduleLockTimer();
      notes.noteSoon();
      sweep.wake();
    },
  });
  const { pump } = dispatcher;
  const direct = createDirectSettlement({ store, clock, queue, deadLettering, readRecord, pump });

  const lockAlarm = createAlarm(clock, () => {
    for (const settled of direct.expireLocks()) background(settled);
    pump();
    scheduleLockTimer();
  });

  function scheduleLockTimer(): void {
    lockAlarm.set(queue.nextLockEndMs() ?? NEVER);
  }

  const receiveDeferred = createDeferredAccess({ store, clock, queue, newToken: deps.newToken, expire });
  const settling: Settling = {
    complete(token) {
      accessedAtMs = clock.now();
      return direct.complete(token);
    },
    abandon: direct.abandon,
    defer: direct.defer,
    deadLetter: direct.deadLetter,
    async receiveDeferred(sequences, mode, session) {
      const received = await receiveDeferred(sequences, mode, session);
      scheduleLockTimer();
      notes.noteSoon();
      return received;
    },
    prepareSettlement: createPreparation({ clock, queue, readRecord, bury: deadLettering.bury, pump }),
  };

  const sessionRuntime =
    sessions &&
    createSessionRuntime({
      ...deps,
      ...{ queue, sessions, inTurn, readRecord, sendOff },
      operations: settling,
      giveBack: notes.giveBack,
      onRound: notes.noteSoon,
      comeBack: direct.comeBack,
      lockDurationMs: () => settings().lockDurationMs,
    });

  const staging = createStaging({
    ...{ queue, deadLetters },
    defaultTimeToLiveMs: () => settings().defaultMessageTimeToLiveMs,
    handOut: pump,
    onArrived(sessionId) {
      sessionRuntime?.arrived(sessionId);
      sweep.wake();
    },
  });

  return {
    id,
    deadLetters,
    transferDeadLetters,
    sessions: sessionRuntime,

    // One by one: with a spread V8 would keep so large an object as a dictionary.
    complete: settling.complete,
    abandon: settling.abandon,
    defer: settling.defer,
    deadLetter: settling.deadLetter,
    receiveDeferred: settling.receiveDeferred,
    prepareSettlement: settling.prepareSettlement,

    stageRecord: staging.stageRecord,
    stage(message) {
      accessedAtMs = clock.now();
      return staging.stage(message, accessedAtMs);
    },
    skipSequence() {
      accessedAtMs = clock.now();
      return queue.skip();
    },

    attach: dispatcher.attach,
    demandChanged: pump,
    quiet: dispatcher.quiet,

    async release(token) {
      const given = notes.giveBack(token);
      pump();
      return (await given) ? 'done' : 'lock-lost';
    },

    renew: (token) => queue.renew(token, clock.now()),

    deleteActive: createBatchDeletion({ store, clock, queue, load: dispatcher.load, readRecord }),

    peek(fromSequence, limit) {
      const { deliveriesBefore } = queue;
      return peekMessages(store, id, {
        fromSequence,
        firstActive: queue.state().firstSequence,
        limit,
        deliveriesBefore,
      });
    },

    sizeBytes: queue.sizeBytes,
    facts: () => ({ ...queue.state(), accessedAtMs }),

    contribute(into) {
      for (const write of queue.takeExtras()) into.push(write);
      const changed = queue.changedState();
      if (changed) into.push({ key: storeStateKey(id), value: encodeQueueState(changed, accessedAtMs) });
    },

    start: sweep.start,

    stop() {
      notes.stop();
      background(dispatcher.stop());
      sessionRuntime?.stop();
      sweep.stop();
      lockAlarm.stop();
    },
  };
}
