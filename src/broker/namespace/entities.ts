import type { Clock } from '../../shared/clock.js';
import {
  compileRouter,
  createDuplicateHistory,
  type DuplicateHistory,
  type QueueState,
  type Router,
} from '../entities/index.js';
import type { EventLogs } from '../log/index.js';
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
import type { QueueSettings } from '../topology/types.js';
import { createCopies } from './copies.js';
import { bytesOf } from './counts.js';
import { createDeletion } from './deletion.js';
import { createForwarding, type Destination, type FindDestination, type Forwarding } from './forwarding.js';
import { createHubRuntime, createPartitionRuntime, type HubRuntime } from './hub-runtime.js';
import { type Budget, createInlet, newBudget } from './inlet.js';
import { createIntake, type Intake } from './intake.js';
import { peekMessages } from './peek.js';
import { createQueueRuntime, type QueueRuntime, type QueueRuntimeSettings } from './queue-runtime.js';
import { overQuota } from './quota.js';
import type { EntityRecord, HubRecord, QueueRecord, SubscriptionRecord, TopicRecord } from './records.js';
import {
  createScheduler,
  createScheduling,
  type ScheduleMessages,
  type Scheduler,
  type SchedulerOptions,
} from './scheduler.js';
import { readDelivered } from './sessions/delivered.js';
import type { Staged } from './staged.js';
import {
  decodeLogState,
  decodeQueueState,
  decodeScheduleState,
  encodeLogState,
  queueAccessedAtMs,
  topicAccessedAtMs,
} from './states.js';
import { arriveAtTopic } from './topic-arrival.js';
import { createUsage, type Usage } from './usage.js';

interface Live<Record> {
  record: Record;
  readonly deletion: ReturnType<typeof createDeletion>;
  readonly usage: Usage;
  /** Adds what has changed since the last batch. */
  contribute(into: Write[]): void;
  stop(): void;
}

/** What is sent to is sent to now, or for later. */
interface Inbound extends Destination {
  readonly intake: Intake;
  readonly scheduler: Scheduler;
  /** Takes messages that are enqueued later; answers their sequence numbers once that is durable. */
  readonly schedule: ScheduleMessages;
  /** Of all messages in it, whatever their state; of a topic those of its subscriptions too. */
  sizeBytes(): number;
}

export interface QueueEntity extends Live<QueueRecord>, Inbound {
  readonly kind: 'queue';
  readonly queue: QueueRuntime;
  readonly forwarding: Forwarding;
  readonly history: DuplicateHistory;
}

export interface SubscriptionEntity extends Live<SubscriptionRecord> {
  readonly kind: 'subscription';
  readonly queue: QueueRuntime;
  readonly forwarding: Forwarding;
  put(message: IncomingMessage, budget: Budget): readonly Staged[];
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

export type Entity = QueueEntity | TopicEntity | HubEntity | SubscriptionEntity;

export interface EntityDeps {
  readonly store: Store;
  readonly logs: EventLogs;
  /** What a partition of a hub keeps at the most; Infinity where the disk is the only bound. */
  readonly partitionMaxBytes: number;
  readonly clock: Clock;
  readonly newToken: () => string;
  readonly onError: (error: unknown) => void;
  readonly findDestination: FindDestination;
}

async function openQueue(
  deps: EntityDeps,
  record: QueueRecord | SubscriptionRecord,
  settings: () => QueueRuntimeSettings & QueueSettings,
) {
  const ids = [record.storeId, record.deadLettersId, record.transferDeadLettersId] as const;
  const rows = await deps.store.getMany(ids.map(storeStateKey));
  const accessedAtMs = queueAccessedAtMs(rows[0]) ?? record.createdAtMs;
  const states = rows.map(decodeQueueState) as [QueueState, QueueState, QueueState];
  const deadLetters = createQueueRuntime(deps, { id: ids[1], state: states[1], settings });
  const transferDeadLetters = createQueueRuntime(deps, { id: ids[2], state: states[2], settings });
  const { requiresSession } = record.definition;
  const queue = createQueueRuntime(deps, {
    id: ids[0],
    state: states[0],
    accessedAtMs,
    settings,
    deadLetters,
    transferDeadLetters,
    requiresSession,
    ...(requiresSession && { deliveredInSessions: await readDelivered(deps.store, ids[0]) }),
  });
  const forwarding = createForwarding(deps, { path: record.path, queue, settings });
  const contribute = (into: Write[]) => {
    for (const one of [queue, deadLetters, transferDeadLetters]) one.contribute(into);
  };
  const stop = () => {
    forwarding.stop();
    for (const one of [queue, deadLetters, transferDeadLetters]) one.stop();
  };
  return { queue, forwarding, contribute, stop };
}

async function openScheduler(
  deps: EntityDeps,
  id: number,
  options: Omit<SchedulerOptions, 'id' | 'state'>,
): Promise<Scheduler> {
  const state = decodeScheduleState(await deps.store.get(scheduleStateKey(id)));
  return createScheduler(deps, { id, state, ...options });
}

async function openHistory(deps: EntityDeps, historyId: number, windowMs: () => number): Promise<DuplicateHistory> {
  const range = { from: historyTimeFrom(historyId, 0), to: historyTimeEnd(historyId) };
  const [last] = await deps.store.range({ ...range, limit: 1, reverse: true });
  return createDuplicateHistory(historyId, windowMs, last && timeOfHistoryKey(last.key));
}

async function openQueueEntity(deps: EntityDeps, record: QueueRecord): Promise<QueueEntity> {
  const opened = await openQueue(deps, record, () => entity.record.definition);
  const history = await openHistory(
    deps,
    record.historyId,
    () => entity.record.definition.duplicateDetectionHistoryTimeWindowMs,
  );
  const { put } = opened.forwarding;
  const scheduler = await openScheduler(deps, record.storeId, {
    enqueue(message) {
      entity.usage.touch();
      return put(message, newBudget());
    },
    nextNumber: opened.queue.skipSequence,
    bySession: record.definition.requiresSession,
  });
  const inlet = createInlet(deps, {
    history: () => (entity.record.definition.requiresDuplicateDetection ? history : undefined),
    fanOut(message, budget) {
      entity.usage.touch();
      return scheduler.isFuture(message) ? [scheduler.stage(message)] : put(message, budget);
    },
  });
  const intake = createIntake(deps.store, inlet);
  const entity: QueueEntity = {
    kind: 'queue',
    record,
    deletion: createDeletion(),
    usage: createUsage(deps.clock),
    queue: opened.queue,
    forwarding: opened.forwarding,
    history,
    inlet,
    intake,
    refusal: ({ sessionId }) =>
      disabled(entity) ??
      overQuota(entity) ??
      (entity.record.definition.requiresSession && sessionId === undefined ? sessionMissing : undefined),
    scheduler,
    schedule: createScheduling(deps.clock, intake, scheduler),
    sizeBytes: () => bytesOf(opened.queue, scheduler.facts()),
    contribute(into) {
      opened.contribute(into);
      scheduler.contribute(into);
      history.contribute(into);
    },
    stop() {
      opened.stop();
      scheduler.stop();
    },
  };
  return entity;
}

/** Why nothing is forwarded to an entity, or sent to it. */
const disabled = ({ record: { definition, path } }: { readonly record: QueueRecord | TopicRecord }) =>
  definition.status === 'Disabled' || definition.status === 'SendDisabled'
    ? { reason: 'MessagingEntityDisabled', description: `The messaging entity '${path}' is currently disabled.` }
    : undefined;

/** Why a queue with sessions does not take a forwarded message. */
const sessionMissing = {
  reason: 'Session ID is null.',
  description: 'Session enabled entity does not allow a message whose session identifier is null.',
};

async function openSubscriptionEntity(deps: EntityDeps, record: SubscriptionRecord): Promise<SubscriptionEntity> {
  const opened = await openQueue(deps, record, () => entity.record.definition);
  const entity: SubscriptionEntity = {
    kind: 'subscription',
    record,
    deletion: createDeletion(),
    usage: createUsage(deps.clock),
    router: compileRouter(record.definition.rules),
    ...opened,
    put: opened.forwarding.put,
  };
  return entity;
}

async function openTopicEntity(deps: EntityDeps, record: TopicRecord): Promise<TopicEntity> {
  const history = await openHistory(
    deps,
    record.historyId,
    () => entity.record.definition.duplicateDetectionHistoryTimeWindowMs,
  );
  const stateRow = await deps.store.get(scheduleStateKey(record.historyId));
  const subscriptions = new Map<string, SubscriptionEntity>();
  const enqueue = (message: IncomingMessage, budget: Budget): Staged[] => {
    const arrived = arriveAtTopic(message, {
      sequence: scheduler.nextNumber(),
      nowMs: deps.clock.now(),
      timeToLiveMs: entity.record.definition.defaultMessageTimeToLiveMs,
    });
    const staged: Staged[] = [];
    for (const subscription of subscriptions.values()) {
      for (const copy of createCopies(subscription, arrived, budget)) staged.push(copy);
    }
    return staged;
  };
  const scheduler: Scheduler = await openScheduler(deps, record.historyId, {
    enqueue(message) {
      entity.usage.touch();
      return enqueue(message, newBudget());
    },
    accessedAtMs: () => entity.accessedAtMs,
  });
  const inlet = createInlet(deps, {
    history: () => (entity.record.definition.requiresDuplicateDetection ? history : undefined),
    fanOut(message, budget) {
      entity.accessedAtMs = deps.clock.now();
      entity.usage.touch();
      return scheduler.isFuture(message) ? [scheduler.stage(message)] : enqueue(message, budget);
    },
  });
  const intake = createIntake(deps.store, inlet);
  const entity: TopicEntity = {
    kind: 'topic',
    record,
    deletion: createDeletion(),
    usage: createUsage(deps.clock),
    subscriptions,
    history,
    accessedAtMs: topicAccessedAtMs(stateRow) ?? record.createdAtMs,
    inlet,
    refusal: () => disabled(entity) ?? overQuota(entity),
    intake,
    scheduler,
    schedule: createScheduling(deps.clock, intake, scheduler),
    sizeBytes() {
      let bytes = scheduler.facts().bytes;
      for (const { queue } of subscriptions.values()) bytes += bytesOf(queue);
      return bytes;
    },
    peek: (fromSequence, limit) => peekMessages(deps.store, record.historyId, { fromSequence, firstActive: 0, limit }),
    contribute(into) {
      scheduler.contribute(into);
      history.contribute(into);
    },
    stop: scheduler.stop,
  };
  return entity;
}

async function openHubEntity(deps: EntityDeps, record: HubRecord): Promise<HubEntity> {
  const states = await deps.store.getMany(record.logIds.map(logStateKey));
  const maxBytes = () => deps.partitionMaxBytes;
  const opening = record.logIds.map(async (id, index) => {
    const noted = decodeLogState(states[index]);
    const log = await deps.logs.open(id, { ...noted, maxBytes });
    const retentionMs = () => entity.record.definition.retentionMs;
    return createPartitionRuntime(
      { clock: deps.clock, log },
      { id, partitionId: String(index), noted, retentionMs, maxBytes },
    );
  });
  const partitions = await Promise.all(opening);
  const entity: HubEntity = {
    kind: 'hub',
    record,
    deletion: createDeletion(),
    usage: createUsage(deps.clock),
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

/** Makes what a record describes run, with all that the store has of it. */
export function openEntity(deps: EntityDeps, record: EntityRecord): Promise<Entity> {
  switch (record.kind) {
    case 'queue':
      return openQueueEntity(deps, record);
    case 'topic':
      return openTopicEntity(deps, record);
    case 'subscription':
      return openSubscriptionEntity(deps, record);
    case 'hub':
      return openHubEntity(deps, record);
  }
}
