import type { Clock } from '../../shared/clock.js';
import { compileRouter, createDuplicateHistory, type DuplicateHistory, type Router } from '../entities/index.js';
import type { IncomingMessage } from '../message/index.js';
import {
  historyTimeEnd,
  historyTimeFrom,
  logStateKey,
  scheduleStateKey,
  storeStateKey,
  timeOfHistoryKey,
} from '../store/keys.js';
import type { Store, Write } from '../store/types.js';
import { createCopies } from './copies.js';
import { createDeletion } from './deletion.js';
import { createHubRuntime, createPartitionRuntime, type HubRuntime } from './hub-runtime.js';
import { createIntake, type Intake } from './intake.js';
import { peekMessages } from './peek.js';
import { createQueueRuntime, type QueueRuntime, type QueueRuntimeSettings, type Staged } from './queue-runtime.js';
import type { HubRecord, QueueRecord, SubscriptionRecord, TopicRecord } from './records.js';
import {
  createScheduler,
  createScheduling,
  type ScheduleMessages,
  type Scheduler,
  type SchedulerOptions,
} from './scheduler.js';
import { decodeLogState, decodeQueueState, decodeScheduleState, encodeLogState } from './states.js';

interface Live<Record> {
  record: Record;
  readonly deletion: ReturnType<typeof createDeletion>;
  /** Adds what has changed since the last batch. */
  contribute(into: Write[]): void;
  stop(): void;
}

/** What is sent to is sent to now, or for later. */
interface Inbound {
  readonly intake: Intake;
  readonly scheduler: Scheduler;
  /** Takes messages that are enqueued later; answers their sequence numbers once that is durable. */
  readonly schedule: ScheduleMessages;
}

export interface QueueEntity extends Live<QueueRecord>, Inbound {
  readonly kind: 'queue';
  readonly queue: QueueRuntime;
  readonly history: DuplicateHistory;
}

export interface SubscriptionEntity extends Live<SubscriptionRecord> {
  readonly kind: 'subscription';
  readonly queue: QueueRuntime;
  router: Router;
}

export interface TopicEntity extends Live<TopicRecord>, Inbound {
  readonly kind: 'topic';
  readonly subscriptions: Map<string, SubscriptionEntity>;
  /** A topic holds nothing but what is scheduled. */
  readonly peek: QueueRuntime['peek'];
  readonly history: DuplicateHistory;
  accessedAtMs: number;
}

export interface HubEntity extends Live<HubRecord> {
  readonly kind: 'hub';
  runtime: HubRuntime;
}

export interface EntityDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly newToken: () => string;
  readonly onError: (error: unknown) => void;
}

async function openQueue(
  deps: EntityDeps,
  ids: { readonly storeId: number; readonly deadLettersId: number; readonly definition: { requiresSession: boolean } },
  settings: () => QueueRuntimeSettings,
) {
  const [state, deadState] = await deps.store.getMany([storeStateKey(ids.storeId), storeStateKey(ids.deadLettersId)]);
  const deadLetters = createQueueRuntime(deps, { id: ids.deadLettersId, state: decodeQueueState(deadState), settings });
  const queue = createQueueRuntime(deps, {
    id: ids.storeId,
    state: decodeQueueState(state),
    settings,
    deadLetters,
    requiresSession: ids.definition.requiresSession,
  });
  const contribute = (into: Write[]) => {
    queue.contribute(into);
    deadLetters.contribute(into);
  };
  const stop = () => {
    queue.stop();
    deadLetters.stop();
  };
  return { queue, contribute, stop };
}

async function openScheduler(
  deps: EntityDeps,
  id: number,
  options: Pick<SchedulerOptions, 'enqueue' | 'nextNumber'>,
): Promise<Scheduler> {
  const state = decodeScheduleState(await deps.store.get(scheduleStateKey(id)));
  return createScheduler(deps, { id, state, ...options });
}

async function openHistory(deps: EntityDeps, historyId: number, windowMs: () => number): Promise<DuplicateHistory> {
  const any = await deps.store.range({ from: historyTimeFrom(historyId, 0), to: historyTimeEnd(historyId), limit: 1 });
  return createDuplicateHistory(historyId, windowMs, any.length > 0);
}

export async function openQueueEntity(deps: EntityDeps, record: QueueRecord): Promise<QueueEntity> {
  const opened = await openQueue(deps, record, () => entity.record.definition);
  const history = await openHistory(
    deps,
    record.historyId,
    () => entity.record.definition.duplicateDetectionHistoryTimeWindowMs,
  );
  const enqueue = (message: IncomingMessage) => [opened.queue.stage(message)];
  const scheduler = await openScheduler(deps, record.storeId, { enqueue, nextNumber: opened.queue.skipSequence });
  const intake = createIntake(deps, {
    history: () => (entity.record.definition.requiresDuplicateDetection ? history : undefined),
    fanOut: (message) => (scheduler.isFuture(message) ? [scheduler.stage(message)] : enqueue(message)),
  });
  const entity: QueueEntity = {
    kind: 'queue',
    record,
    deletion: createDeletion(),
    queue: opened.queue,
    history,
    intake,
    scheduler,
    schedule: createScheduling(deps.clock, intake, scheduler),
    contribute(into) {
      opened.contribute(into);
      scheduler.contribute(into);
    },
    stop() {
      opened.stop();
      scheduler.stop();
    },
  };
  return entity;
}

export async function openSubscriptionEntity(
  deps: EntityDeps,
  record: SubscriptionRecord,
): Promise<SubscriptionEntity> {
  const opened = await openQueue(deps, record, () => entity.record.definition);
  const entity: SubscriptionEntity = {
    kind: 'subscription',
    record,
    deletion: createDeletion(),
    router: compileRouter(record.definition.rules),
    ...opened,
  };
  return entity;
}

export async function openTopicEntity(deps: EntityDeps, record: TopicRecord): Promise<TopicEntity> {
  const history = await openHistory(
    deps,
    record.historyId,
    () => entity.record.definition.duplicateDetectionHistoryTimeWindowMs,
  );
  const subscriptions = new Map<string, SubscriptionEntity>();
  const enqueue = (message: IncomingMessage): Staged[] => {
    const limited = withTimeToLive(message, entity.record.definition.defaultMessageTimeToLiveMs);
    return [...subscriptions.values()].flatMap((subscription) => createCopies(subscription, limited));
  };
  const scheduler = await openScheduler(deps, record.historyId, { enqueue });
  const intake = createIntake(deps, {
    history: () => (entity.record.definition.requiresDuplicateDetection ? history : undefined),
    fanOut(message) {
      entity.accessedAtMs = deps.clock.now();
      return scheduler.isFuture(message) ? [scheduler.stage(message)] : enqueue(message);
    },
  });
  const entity: TopicEntity = {
    kind: 'topic',
    record,
    deletion: createDeletion(),
    subscriptions,
    history,
    accessedAtMs: record.createdAtMs,
    intake,
    scheduler,
    schedule: createScheduling(deps.clock, intake, scheduler),
    peek: (fromSequence, limit) => peekMessages(deps.store, record.historyId, { fromSequence, firstActive: 0, limit }),
    contribute: scheduler.contribute,
    stop: scheduler.stop,
  };
  return entity;
}

/** The topic's default time to live bounds that of the message before the subscription's does. */
const withTimeToLive = (message: IncomingMessage, topicMs: number): IncomingMessage =>
  Number.isFinite(topicMs) && (message.ttlMs === undefined || message.ttlMs > topicMs)
    ? { ...message, ttlMs: topicMs }
    : message;

export async function openHubEntity(deps: EntityDeps, record: HubRecord): Promise<HubEntity> {
  const states = await deps.store.getMany(record.logIds.map(logStateKey));
  const partitions = record.logIds.map((id, index) =>
    createPartitionRuntime(deps, {
      id,
      partitionId: String(index),
      state: decodeLogState(states[index]),
      retentionMs: () => entity.record.definition.retentionMs,
    }),
  );
  const entity: HubEntity = {
    kind: 'hub',
    record,
    deletion: createDeletion(),
    runtime: createHubRuntime(partitions),
    contribute(into) {
      for (const partition of partitions) {
        const changed = partition.changedState();
        if (changed) into.push({ key: logStateKey(changed.id), value: encodeLogState(changed.state) });
      }
    },
    stop() {},
  };
  return entity;
}

const FORGET_AT_ONCE = 200;

/** Removes from the store what duplicate detection need not remember any more. */
export async function forgetOldIds(deps: EntityDeps, historyId: number, history: DuplicateHistory): Promise<void> {
  for (;;) {
    const rows = await deps.store.range({
      from: historyTimeFrom(historyId, 0),
      to: historyTimeFrom(historyId, history.forgettableMs(deps.clock.now())),
      limit: FORGET_AT_ONCE,
    });
    if (rows.length === 0) return;
    for (const { key, value } of rows) {
      const ids = JSON.parse(value.toString('utf8')) as string[];
      const stored = await deps.store.getMany(ids.map(history.key));
      await deps.store.commit(history.forget({ key, timeMs: timeOfHistoryKey(key) }, ids, stored));
    }
  }
}
