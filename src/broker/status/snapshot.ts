import {
  bytesOf,
  countMessages,
  type HubEntity,
  type MessageCounts,
  type Namespace,
  type QueueEntity,
  type QueueRuntime,
  type SubscriptionEntity,
} from '../namespace/index.js';
import type { EntitySettings, QueueSettings } from '../topology/types.js';

interface Held {
  readonly status: string;
  readonly counts: MessageCounts;
  readonly sizeBytes: number;
  /** All that ever came in; a scheduled one when its time has come. */
  readonly messagesIn: number;
  /** All that ever left for good: completed, expired, dead-lettered or forwarded. */
  readonly messagesOut: number;
  readonly forwardTo?: string;
  readonly requiresSession: boolean;
}

export interface QueueStatus extends Held {
  readonly name: string;
}

interface TopicStatus {
  readonly name: string;
  readonly status: string;
  readonly scheduled: number;
  readonly subscriptions: readonly QueueStatus[];
}

/** A receiver of a partition that is there now. */
interface ReaderStatus {
  readonly consumerGroup: string;
  /** Undefined for a receiver without an owner level. */
  readonly ownerLevel: number | undefined;
  /** The event that it gets next; undefined until it is known. */
  readonly nextSequence: number | undefined;
  /** Events that it was not sent yet. */
  readonly lag: number | undefined;
}

interface PartitionStatus {
  readonly id: string;
  readonly firstSequence: number;
  /** -1 when there never was an event. */
  readonly lastSequence: number;
  readonly lastEnqueuedAt: string | null;
  readonly events: number;
  readonly readers: readonly ReaderStatus[];
}

export interface HubStatus {
  readonly name: string;
  readonly retentionMs: number;
  readonly consumerGroups: readonly string[];
  readonly partitions: readonly PartitionStatus[];
}

interface ProcessStatus {
  readonly connections: number;
  readonly links: number;
  /** Bytes that wait for the disk. */
  readonly pendingBytes: number;
  readonly memoryBytes: number;
  /** The disk is nearly full: what is sent is refused. */
  readonly isDiskLow: boolean;
  readonly startedAt: string;
}

/** All that there is to see of a broker at one moment. */
export interface BrokerStatus extends ProcessStatus {
  readonly asOf: string;
  readonly queues: readonly QueueStatus[];
  readonly topics: readonly TopicStatus[];
  readonly hubs: readonly HubStatus[];
}

/** A reader as the links know it. Names are in lower case. */
export interface Reader {
  readonly hub: string;
  readonly consumerGroup: string;
  readonly partitionId: string;
  readonly ownerLevel: number | undefined;
  readonly nextSequence: number | undefined;
}

export interface SnapshotDeps {
  readonly namespace: Pick<Namespace, 'queues' | 'topics' | 'hubs' | 'nowMs'>;
  readonly readers: () => readonly Reader[];
  readonly process: () => ProcessStatus;
}

const byName = <T extends { readonly name: string }>(items: readonly T[]): T[] =>
  [...items].sort((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1));

const statusOf = ({ status }: EntitySettings) => status ?? 'Active';

function held(
  settings: QueueSettings,
  queue: QueueRuntime,
  scheduled?: ReturnType<QueueEntity['scheduler']['facts']>,
): Held {
  const { removedCount, count, deferredCount } = queue.facts();
  const { forwardTo, requiresSession } = settings;
  return {
    status: statusOf(settings),
    counts: countMessages(settings, queue, scheduled),
    sizeBytes: bytesOf(queue, scheduled),
    messagesIn: removedCount + count + deferredCount,
    messagesOut: removedCount,
    requiresSession,
    ...(forwardTo === undefined ? {} : { forwardTo }),
  };
}

const queueStatus = ({ record, queue, scheduler }: QueueEntity): QueueStatus => ({
  name: record.definition.name,
  ...held(record.definition, queue, scheduler.facts()),
});

/** What is scheduled waits in the topic. */
const subscriptionStatus = ({ record, queue }: SubscriptionEntity): QueueStatus => ({
  name: record.definition.name,
  ...held(record.definition, queue),
});

function hubStatus({ record, runtime }: HubEntity, readers: readonly Reader[]): HubStatus {
  const { name, retentionMs, consumerGroups } = record.definition;
  const mine = readers.filter(({ hub }) => hub === name.toLowerCase());
  return {
    name,
    retentionMs,
    consumerGroups: ['$Default', ...consumerGroups],
    partitions: runtime.partitions.map((partition) => {
      const { firstSequence, lastSequence, lastEnqueuedAtMs, isEmpty } = partition.facts();
      const here = mine.filter(({ partitionId }) => partitionId === partition.partitionId);
      return {
        id: partition.partitionId,
        firstSequence,
        lastSequence,
        lastEnqueuedAt: lastSequence < 0 ? null : new Date(lastEnqueuedAtMs).toISOString(),
        events: isEmpty ? 0 : lastSequence - firstSequence + 1,
        readers: here.map(({ consumerGroup, ownerLevel, nextSequence }) => ({
          consumerGroup,
          ownerLevel,
          nextSequence,
          lag: nextSequence === undefined ? undefined : Math.max(0, lastSequence + 1 - nextSequence),
        })),
      };
    }),
  };
}

export function takeSnapshot({ namespace, readers, process }: SnapshotDeps): BrokerStatus {
  const reading = readers();
  return {
    asOf: new Date(namespace.nowMs()).toISOString(),
    ...process(),
    queues: byName(namespace.queues().map(queueStatus)),
    topics: byName(
      namespace.topics().map(({ record, subscriptions, scheduler }) => ({
        name: record.definition.name,
        status: statusOf(record.definition),
        scheduled: scheduler.facts().count,
        subscriptions: byName([...subscriptions.values()].map(subscriptionStatus)),
      })),
    ),
    hubs: byName(namespace.hubs().map((hub) => hubStatus(hub, reading))),
  };
}
