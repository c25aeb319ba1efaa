import type { Entity, HubEntity, QueueEntity, SubscriptionEntity, TopicEntity } from './entities.js';
import type { EntityRecord, HubRecord, QueueRecord, SubscriptionRecord, TopicRecord } from './records.js';
import type { Transaction } from './transaction.js';

/** All entities of the broker. Names ignore case. Changes resolve when they are durable. */
export interface Namespace {
  readonly createdAtMs: number;
  nowMs(): number;
  queues(): readonly QueueEntity[];
  topics(): readonly TopicEntity[];
  hubs(): readonly HubEntity[];
  /** A queue, topic or hub. */
  find(name: string): QueueEntity | TopicEntity | HubEntity | undefined;
  findHub(name: string): HubEntity | undefined;
  findSubscription(topic: string, name: string): SubscriptionEntity | undefined;
  addQueue(record: NewRecord<QueueRecord, QueueIds | 'historyId'>): Promise<QueueEntity>;
  addTopic(record: NewRecord<TopicRecord, 'historyId'>): Promise<TopicEntity>;
  addSubscription(record: NewRecord<SubscriptionRecord, QueueIds>): Promise<SubscriptionEntity>;
  addHub(record: NewRecord<HubRecord, 'logIds'>): Promise<HubEntity>;
  beginTransaction(): Transaction;
  /** Replaces the record of an entity. */
  update(record: EntityRecord): Promise<void>;
  remove(entity: Entity): Promise<void>;
  /** Calls `listener` after each change of an entity or its settings, which is answered only when it is done; until the answered function is called. */
  watch(listener: () => Promise<void>): () => void;
  /** Forgets what is older than retention and windows, and removes what is idle; done by itself every minute. */
  maintain(): Promise<void>;
  stop(): void;
}

type QueueIds = 'storeId' | 'deadLettersId' | 'transferDeadLettersId';

/** A record without what the namespace fills in. */
type NewRecord<R extends EntityRecord, Filled extends keyof R> = Omit<R, Filled | 'createdAtMs' | 'updatedAtMs'>;
