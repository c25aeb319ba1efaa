import type { QueueDefinition, RuleDefinition, SubscriptionDefinition, TopicDefinition } from '../topology/types.js';

/** What an entity holds at this moment. Sizes are bytes, times are milliseconds since the Unix epoch. */
export interface RuntimeFacts {
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** When a message was last sent or received; the creation time when none ever was. */
  readonly accessedAtMs: number;
  readonly sizeBytes: number;
  readonly activeMessageCount: number;
  readonly deadLetterMessageCount: number;
  readonly scheduledMessageCount: number;
  readonly transferMessageCount: number;
  readonly transferDeadLetterMessageCount: number;
}

interface TopicRuntimeFacts extends RuntimeFacts {
  readonly subscriptionCount: number;
}

interface Described<Definition, Facts = RuntimeFacts> {
  readonly definition: Definition;
  readonly runtime: Facts;
}

export type QueueInfo = Described<QueueDefinition>;
export type TopicInfo = Described<TopicDefinition, TopicRuntimeFacts>;
export type SubscriptionInfo = Described<SubscriptionDefinition>;
export type RuleInfo = Described<RuleDefinition, { readonly createdAtMs: number }>;

export type CreateOutcome<Info> =
  | { readonly kind: 'created'; readonly info: Info }
  /** An entity of that name is there already (of any kind: queues, topics and hubs share their names). */
  | { readonly kind: 'exists' }
  /** The entity that it would belong to is not there. */
  | { readonly kind: 'not-found' }
  /** The definition breaks a rule of the service, or there are too many of its kind; a sentence for the caller. */
  | { readonly kind: 'invalid' | 'quota'; readonly reason: string };

export type UpdateOutcome<Info> =
  | { readonly kind: 'updated'; readonly info: Info }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'invalid' | 'quota'; readonly reason: string };

export type DeleteOutcome = { readonly kind: 'deleted' } | { readonly kind: 'not-found' };

/** The parts of a topic that can be given when it is made; subscriptions are made one by one. */
export type NewTopic = Omit<TopicDefinition, 'subscriptions'>;
export type SubscriptionSettings = Omit<SubscriptionDefinition, 'rules'>;

/**
 * What the administration API needs of the namespace. Changes resolve when they are durable. Names ignore case. Lists
 * are ordered by name. An update replaces the settings and keeps what is inside: messages, subscriptions, rules.
 */
export interface NamespacePort {
  readonly createdAtMs: number;

  queues(): readonly QueueInfo[];
  queue(name: string): QueueInfo | undefined;
  createQueue(definition: QueueDefinition): Promise<CreateOutcome<QueueInfo>>;
  updateQueue(definition: QueueDefinition): Promise<UpdateOutcome<QueueInfo>>;
  deleteQueue(name: string): Promise<DeleteOutcome>;

  topics(): readonly TopicInfo[];
  topic(name: string): TopicInfo | undefined;
  createTopic(definition: NewTopic): Promise<CreateOutcome<TopicInfo>>;
  updateTopic(definition: NewTopic): Promise<UpdateOutcome<TopicInfo>>;
  deleteTopic(name: string): Promise<DeleteOutcome>;

  /** Undefined when the topic is not there. */
  subscriptions(topic: string): readonly SubscriptionInfo[] | undefined;
  subscription(topic: string, name: string): SubscriptionInfo | undefined;
  createSubscription(topic: string, definition: SubscriptionDefinition): Promise<CreateOutcome<SubscriptionInfo>>;
  updateSubscription(topic: string, settings: SubscriptionSettings): Promise<UpdateOutcome<SubscriptionInfo>>;
  deleteSubscription(topic: string, name: string): Promise<DeleteOutcome>;

  /** Undefined when the topic or the subscription is not there. */
  rules(topic: string, subscription: string): readonly RuleInfo[] | undefined;
  rule(topic: string, subscription: string, name: string): RuleInfo | undefined;
  createRule(topic: string, subscription: string, rule: RuleDefinition): Promise<CreateOutcome<RuleInfo>>;
  updateRule(topic: string, subscription: string, rule: RuleDefinition): Promise<UpdateOutcome<RuleInfo>>;
  deleteRule(topic: string, subscription: string, name: string): Promise<DeleteOutcome>;
}
