import type { Clock } from '../../shared/clock.js';
import { createTurns } from '../../shared/turns.js';
import {
  createQueue,
  createSessions,
  type QueueEntry,
  type QueueState,
  type Settlement,
  type Unfit,
  type WindowBounds,
} from '../entities/index.js';
import {
  type BareChanges,
  encodeStored,
  rewriteBare,
  type Storable,
  storedBare,
  storedSessionId,
  withBare,
} from '../message/index.js';
import { storeStateKey } from '../store/keys.js';
import type { Store, Write } from '../store/types.js';
import { readActive } from './active-reader.js';
import { createAlarm } from './alarm.js';
import { createBatchDeletion, type DeleteActive } from './batch-deletion.js';
import { sessionFault, withReason } from './dead-letter.js';
import { createDeferredAccess } from './deferred-access.js';
import { createDispatcher, type QueueConsumer, type TransferConsumer } from './dispatcher.js';
import { createExpirySweep } from './expiry-sweep.js';
import { commitStaged } from './inlet.js';
import { type PeekedMessage, peekMessages } from './peek.js';
import { createPreparation } from './prepared-settlement.js';
import { createSessionRuntime, type SessionRuntime } from './sessions/session-runtime.js';
import type { DeadLetterReason, SettleOutcome, Settling } from './settling.js';
import type { Staged } from './staged.js';
import { encodeQueueState } from './states.js';
import { lifeIn } from './time-to-live.js';

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

/**
 * How soon a delivery is on disk, so that it counts after a crash: with the next batch, or with one of its own where for so
 * long there is none.
 */
const NOTED_WITHIN_MS = 100;

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
  let stopped = false;
  let accessedAtMs = options.accessedAtMs ?? clock.now();

  const background = (work: Promise<unknown>) => void work.catch(onError);
  const inTurn = createTurns();
  const dispatcher = createDispatcher({
    store,
    clock,
    queue,
    async load(wanted) {
      const entries = await readActive(store, queue, wanted);
      return { entries, complete: entries.length === 0 };
    },
    inTurn,
    newToken: deps.newToken,
    onError,
    onUnfit: (message) => background(sendOff(message)),
    onRound() {
      scheduleLockTimer();
      noteSoon();
      sweep.wake();
    },
  });
  const sweep = createExpirySweep({ store, clock, queue, inTurn, expire: (entry) => expire(entry), onError });

  function stageRecord(record: Buffer, expiresAtMs: number, deliveryCount = 0): Staged {
    const sessionId = sessions && storedSessionId(record);
    const fault = sessions && sessionFault(sessionId);
    if (fault !== undefined && deadLetters) return deadLetters.stageRecord(withReason(record, fault), NEVER);
    const sequence = queue.peekSequence();
    const write = queue.put(record, expiresAtMs, { deliveryCount, sessionId });
    const entry: QueueEntry = {
      sequence,
      sizeBytes: record.length,
      expiresAtMs,
      state: 'active',
      sessionId,
      deliveryCount,
      storedCount: deliveryCount > 0 ? deliveryCount : undefined,
      record,
    };
    if (sessionId === undefined) return { write, publish: () => queue.publish(entry), handOut: dispatcher.pump };
    return {
      write,
      publish() {
        queue.publish(entry);
        sessionRuntime?.arrived(sessionId);
        sweep.wake();
      },
    };
  }

  const readRecord = async (entry: QueueEntry): Promise<Buffer | undefined> =>
    entry.record ?? (await store.get(queue.recordKey(entry)));

  /** Removes a message that is leaving. */
  async function discard(entry: QueueEntry): Promise<void> {
    await store.commit(queue.discard(entry));
    queue.committed(entry);
  }

  /** Puts a message that is leaving into the dead-letter queue, with the reason in its application properties. */
  function bury(entry: QueueEntry, record: Buffer, why: DeadLetterReason): { writes: Write[]; staged: Staged[] } {
    const writes = queue.discard(entry);
    if (deadLetters === undefined) return { writes, staged: [] };
    return { writes, staged: [deadLetters.stageRecord(withReason(record, why), NEVER, entry.deliveryCount)] };
  }

  async function moveToDeadLetters(entry: QueueEntry, why: DeadLetterReason): Promise<void> {
    const record = await readRecord(entry);
    if (record === undefined) return discard(entry);
    const { writes, staged } = bury(entry, record, why);
    await commitStaged(store, staged, writes);
    queue.committed(entry);
  }

  const expire = (entry: QueueEntry): Promise<void> =>
    deadLetters !== undefined && settings().deadLetteringOnMessageExpiration
      ? moveToDeadLetters(entry, {
          reason: 'TTLExpiredException',
          description: 'The message expired and was dead lettered.',
        })
      : discard(entry);

  const exceeded = ({ deliveryCount }: QueueEntry): DeadLetterReason => ({
    reason: 'MaxDeliveryCountExceeded',
    description: `Message could not be consumed after ${deliveryCount} delivery attempts.`,
  });
  const deliveryCountExceeded = (entry: QueueEntry): Promise<void> => moveToDeadLetters(entry, exceeded(entry));
  const sendOff = (message: Unfit): Promise<void> =>
    'expired' in message ? expire(message.expired) : deliveryCountExceeded(message.exceeded);

  async function settle(
    settlement: Settlement,
    onDeadLetter: (entry: QueueEntry) => Promise<void>,
  ): Promise<SettleOutcome> {
    if (settlement.kind === 'lock-lost') return 'lock-lost';
    if (settlement.kind === 'dead-letter') await onDeadLetter(settlement.entry);
    else {
      await store.commit(settlement.writes);
      queue.committed(settlement.entry);
    }
    return 'done';
  }

  const lockAlarm = createAlarm(clock, () => {
    for (const settlement of queue.expireLocks(clock.now())) background(settle(settlement, deliveryCountExceeded));
    dispatcher.pump();
    scheduleLockTimer();
  });

  function scheduleLockTimer(): void {
    lockAlarm.set(queue.nextLockEndMs() ?? NEVER);
  }

  const noteAlarm = createAlarm(clock, () => {
    // A batch without anything else: it takes along what has changed.
    if (queue.hasChanged()) background(store.commit([]));
  });

  function noteSoon(): void {
    if (queue.hasChanged()) noteAlarm.set(clock.now() + NOTED_WITHIN_MS);
  }

  /** Resolves when everybody who reads its delivery count is told the right one. */
  async function giveBack(token: string): Promise<boolean> {
    const entry = queue.giveBack(token);
    if (entry === undefined) return false;
    noteSoon();
    const isReadAgain = sessions !== undefined || entry.state === 'deferred';
    if (isReadAgain && !stopped) await store.commit([]);
    if (entry.state === 'deferred') queue.letGo(entry.sequence);
    return true;
  }

  /** A locked message as its receiver changed it; undefined when the lock was lost. */
  async function rewritten(token: string, changes: BareChanges | undefined): Promise<Buffer | undefined> {
    const entry = queue.locked(token);
    const record = entry && (await readRecord(entry));
    if (record === undefined || changes === undefined || changes.applicationProperties.size === 0) return record;
    return withBare(record, rewriteBare(storedBare(record), changes));
  }

  const deleteActive = createBatchDeletion({ store, clock, queue, load: dispatcher.load, readRecord });
  const receiveDeferred = createDeferredAccess({ store, clock, queue, newToken: deps.newToken, expire });

  const runtime: QueueRuntime = {
    id,
    deadLetters,
    transferDeadLetters,
    get sessions() {
      return sessionRuntime;
    },
    stageRecord,

    skipSequence() {
      accessedAtMs = clock.now();
      return queue.skip();
    },

    stage(message) {
      const nowMs = clock.now();
      accessedAtMs = nowMs;
      // Receivers are told the time to live that holds, not the longer one that was asked for.
      const ttlMs = lifeIn(message.ttlMs, settings().defaultMessageTimeToLiveMs);
      // In a dead-letter queue nothing expires.
      const expiresAtMs = deadLetters === undefined ? NEVER : nowMs + (ttlMs ?? NEVER);
      const enqueuedSequence = message.enqueuedSequence ?? queue.peekSequence();
      const fields = { enqueuedAtMs: nowMs, expiresAtMs, enqueuedSequence };
      return stageRecord(encodeStored(message, fields, ttlMs), expiresAtMs);
    },

    attach: dispatcher.attach,
    demandChanged: dispatcher.pump,
    prepareSettlement: createPreparation({ clock, queue, readRecord, bury, exceeded, pump: dispatcher.pump }),
    quiet: dispatcher.quiet,

    complete(token) {
      accessedAtMs = clock.now();
      return settle(queue.complete(token, accessedAtMs), deliveryCountExceeded);
    },

    async abandon(token, changes) {
      // Read while it is still locked: afterwards another receiver may take it, and it must not be written back then.
      const record = changes && changes.applicationProperties.size > 0 ? await rewritten(token, changes) : undefined;
      const outcome = await settle(queue.abandon(token, clock.now(), record), deliveryCountExceeded);
      dispatcher.pump();
      return outcome;
    },

    async defer(token, changes) {
      const record = await rewritten(token, changes);
      if (record === undefined) return 'lock-lost';
      return settle(queue.defer(token, clock.now(), record), deliveryCountExceeded);
    },

    async receiveDeferred(sequences, mode, session) {
      const received = await receiveDeferred(sequences, mode, session);
      scheduleLockTimer();
      noteSoon();
      return received;
    },

    deadLetter: (token, why) => settle(queue.deadLetter(token, clock.now()), (entry) => moveToDeadLetters(entry, why)),

    async release(token) {
      const given = giveBack(token);
      dispatcher.pump();
      return (await given) ? 'done' : 'lock-lost';
    },

    renew: (token) => queue.renew(token, clock.now()),

    deleteActive,

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
      stopped = true;
      background(dispatcher.stop());
      sessionRuntime?.stop();
      sweep.stop();
      lockAlarm.stop();
      noteAlarm.stop();
    },
  };
  const sessionRuntime =
    sessions &&
    createSessionRuntime({
      ...deps,
      queue,
      sessions,
      operations: runtime,
      inTurn,
      readRecord,
      sendOff,
      giveBack,
      onRound: noteSoon,
      comeBack: (token) => settle(queue.abandon(token, clock.now()), deliveryCountExceeded),
      lockDurationMs: () => settings().lockDurationMs,
    });
  return runtime;
}
