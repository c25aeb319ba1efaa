import type { Clock } from '../../shared/clock.js';
import { createQueue, type QueueEntry, type QueueState, type Settlement } from '../entities/index.js';
import {
  type BareChanges,
  encodeDelivery,
  encodeStored,
  rewriteBare,
  type Storable,
  storedBare,
  withBare,
} from '../message/index.js';
import { changeKey, messageEnd, messageKey, sequenceOfKey } from '../store/keys.js';
import type { Store, Write } from '../store/types.js';
import { createDispatcher, type QueueConsumer } from './dispatcher.js';

export interface QueueRuntimeSettings {
  readonly lockDurationMs: number;
  readonly maxDeliveryCount: number;
  readonly defaultMessageTimeToLiveMs: number;
  readonly deadLetteringOnMessageExpiration: boolean;
}

export type SettleOutcome = 'done' | 'lock-lost';

interface DeadLetterReason {
  readonly reason: string;
  readonly description?: string;
  /** Further application properties that the receiver sets. */
  readonly changes?: BareChanges;
}

/** A message that is put, and what to call once it is durable. */
export interface Staged {
  readonly write: Write;
  publish(): void;
}

interface PeekedMessage {
  readonly sequence: number;
  readonly payload: Buffer;
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
  readonly settings: () => QueueRuntimeSettings;
  /** Where messages go that cannot be delivered; absent for a dead-letter queue itself. */
  readonly deadLetters?: QueueRuntime;
}

/** A queue with its store, its clock and its receivers. Promises resolve when what they say is durable. */
export interface QueueRuntime {
  readonly id: number;
  readonly deadLetters: QueueRuntime | undefined;
  /** Puts a message; `write` has to be committed in the same step, and `publish` called after it. */
  stage(message: Storable): Staged;
  stageRecord(record: Buffer, expiresAtMs: number): Staged;
  /** Answers the function that detaches. */
  attach(consumer: QueueConsumer): () => void;
  /** Says that a receiver can take more. */
  demandChanged(): void;
  quiet(): Promise<void>;
  complete(token: string): Promise<SettleOutcome>;
  abandon(token: string, changes?: BareChanges): Promise<SettleOutcome>;
  /** Takes a message back that its receiver did not want; this does not count as a delivery. */
  release(token: string): Promise<SettleOutcome>;
  deadLetter(token: string, why: DeadLetterReason): Promise<SettleOutcome>;
  /** The new end of the lock, or undefined when it was lost. */
  renew(token: string): number | undefined;
  /** Messages from a sequence number on, without locking them. */
  peek(fromSequence: number, limit: number): Promise<PeekedMessage[]>;
  facts(): QueueState & { readonly accessedAtMs: number };
  changedState(): QueueState | undefined;
  stop(): void;
}

const MAX_TIMER_MS = 60_000;
const PEEK_BYTES = 4 * 1024 * 1024;
const NEVER = Number.POSITIVE_INFINITY;

export function createQueueRuntime(deps: QueueRuntimeDeps, options: QueueRuntimeOptions): QueueRuntime {
  const { store, clock, onError } = deps;
  const { id, settings, deadLetters } = options;
  const limits = () => ({
    lockDurationMs: settings().lockDurationMs,
    maxDeliveryCount: deadLetters === undefined ? NEVER : settings().maxDeliveryCount,
  });
  const queue = createQueue(id, limits, options.state);
  let cancelLockTimer: (() => void) | undefined;
  let stopped = false;
  let accessedAtMs = clock.now();

  const background = (work: Promise<unknown>) => void work.catch(onError);
  const dispatcher = createDispatcher({
    store,
    clock,
    queue,
    newToken: deps.newToken,
    onError,
    onExpired: (entry) => background(expire(entry)),
    onRound: scheduleLockTimer,
  });

  function stageRecord(record: Buffer, expiresAtMs: number): Staged {
    const sequence = queue.peekSequence();
    const write = queue.put(record);
    return {
      write,
      publish() {
        queue.publish(sequence, record, expiresAtMs);
        dispatcher.pump();
      },
    };
  }

  const readRecord = async (entry: QueueEntry): Promise<Buffer | undefined> =>
    entry.record ?? (await store.get(messageKey(id, entry.sequence)));

  /** Moves a message that is leaving to the dead-letter queue, with the reason in its application properties. */
  async function moveToDeadLetters(entry: QueueEntry, why: DeadLetterReason): Promise<void> {
    const record = await readRecord(entry);
    const removal = queue.discard(entry);
    if (record === undefined || deadLetters === undefined) return store.commit(removal);
    const applicationProperties = new Map(why.changes?.applicationProperties ?? []);
    applicationProperties.set('DeadLetterReason', why.reason);
    if (why.description !== undefined) applicationProperties.set('DeadLetterErrorDescription', why.description);
    const bare = rewriteBare(storedBare(record), { applicationProperties });
    const staged = deadLetters.stageRecord(withBare(record, bare, { expiresAtMs: NEVER }), NEVER);
    await store.commit([...removal, staged.write]);
    staged.publish();
  }

  const expire = (entry: QueueEntry): Promise<void> =>
    deadLetters !== undefined && settings().deadLetteringOnMessageExpiration
      ? moveToDeadLetters(entry, {
          reason: 'TTLExpiredException',
          description: 'The message expired and was dead lettered.',
        })
      : store.commit(queue.discard(entry));

  const deliveryCountExceeded = (entry: QueueEntry): Promise<void> =>
    moveToDeadLetters(entry, {
      reason: 'MaxDeliveryCountExceeded',
      description: `Message could not be consumed after ${entry.deliveryCount} delivery attempts.`,
    });

  async function settle(
    settlement: Settlement,
    onDeadLetter: (entry: QueueEntry) => Promise<void>,
  ): Promise<SettleOutcome> {
    if (settlement.kind === 'lock-lost') return 'lock-lost';
    if (settlement.kind === 'dead-letter') await onDeadLetter(settlement.entry);
    else await store.commit(settlement.writes);
    return 'done';
  }

  function onLockTimer(): void {
    cancelLockTimer = undefined;
    for (const settlement of queue.expireLocks(clock.now())) background(settle(settlement, deliveryCountExceeded));
    dispatcher.pump();
  }

  function scheduleLockTimer(): void {
    const endMs = queue.nextLockEndMs();
    if (cancelLockTimer !== undefined || stopped || endMs === undefined) return;
    cancelLockTimer = clock.setTimer(onLockTimer, Math.min(Math.max(endMs - clock.now(), 1), MAX_TIMER_MS));
  }

  /** Rewrites a message that came back with the application properties that its receiver set. */
  async function rewrite(entry: QueueEntry, changes: BareChanges): Promise<Write[]> {
    const record = await readRecord(entry);
    if (record === undefined) return [];
    return [{ key: messageKey(id, entry.sequence), value: withBare(record, rewriteBare(storedBare(record), changes)) }];
  }

  return {
    id,
    deadLetters,
    stageRecord,

    stage(message) {
      const nowMs = clock.now();
      accessedAtMs = nowMs;
      const timeToLiveMs = Math.min(message.ttlMs ?? NEVER, settings().defaultMessageTimeToLiveMs);
      // In a dead-letter queue nothing expires.
      const expiresAtMs = deadLetters === undefined ? NEVER : nowMs + timeToLiveMs;
      const enqueuedSequence = queue.peekSequence();
      return stageRecord(encodeStored(message, { enqueuedAtMs: nowMs, expiresAtMs, enqueuedSequence }), expiresAtMs);
    },

    attach: dispatcher.attach,
    demandChanged: dispatcher.pump,
    quiet: dispatcher.quiet,

    complete(token) {
      accessedAtMs = clock.now();
      return settle(queue.complete(token, accessedAtMs), deliveryCountExceeded);
    },

    async abandon(token, changes) {
      // Read while it is still locked: afterwards another receiver may take it, and it must not be written back then.
      const entry = changes !== undefined && changes.applicationProperties.size > 0 ? queue.locked(token) : undefined;
      const rewritten = entry && changes ? await rewrite(entry, changes) : [];
      const settlement = queue.abandon(token, clock.now());
      const outcome = await settle(
        settlement.kind === 'done' ? { ...settlement, writes: [...rewritten, ...settlement.writes] } : settlement,
        deliveryCountExceeded,
      );
      dispatcher.pump();
      return outcome;
    },

    deadLetter: (token, why) => settle(queue.deadLetter(token, clock.now()), (entry) => moveToDeadLetters(entry, why)),

    async release(token) {
      const given = queue.giveBack(token);
      dispatcher.pump();
      return given ? 'done' : 'lock-lost';
    },

    renew: (token) => queue.renew(token, clock.now()),

    async peek(fromSequence, limit) {
      // Not below the oldest message: there may be many removed ones that the store still has to step over.
      const from = messageKey(id, Math.max(queue.state().firstSequence, fromSequence));
      const entries = await store.range({ from, to: messageEnd(id), limit, maxBytes: PEEK_BYTES });
      const counts = await store.getMany(entries.map(({ key }) => changeKey(id, sequenceOfKey(key))));
      return entries.map(({ key, value }, index) => {
        const sequence = sequenceOfKey(key);
        const deliveryCount = counts[index]?.readUInt32BE(0) ?? 0;
        return { sequence, payload: encodeDelivery(value, { sequence, deliveryCount }) };
      });
    },

    facts: () => ({ ...queue.state(), accessedAtMs }),
    changedState: queue.changedState,

    stop() {
      stopped = true;
      dispatcher.stop();
      cancelLockTimer?.();
      cancelLockTimer = undefined;
    },
  };
}
