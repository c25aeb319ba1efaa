/**
 * The entities of one namespace as the broker knows them, whatever they were read from: an ARM template, an emulator's
 * Config.json, or the administration API. Durations are milliseconds. Names keep the case they were given;
 * look-ups ignore case, as the services do.
 */
export interface Topology {
  readonly queues: readonly QueueDefinition[];
  readonly topics: readonly TopicDefinition[];
  readonly hubs: readonly HubDefinition[];
}

/** What queues and subscriptions share: the settings of a peek-lock store of messages. */
export interface QueueSettings {
  readonly lockDurationMs: number;
  readonly maxDeliveryCount: number;
  /** Infinity when messages never expire by themselves. */
  readonly defaultMessageTimeToLiveMs: number;
  readonly deadLetteringOnMessageExpiration: boolean;
  readonly requiresSession: boolean;
  readonly forwardTo?: string;
  readonly forwardDeadLetteredMessagesTo?: string;
}

export interface DuplicateDetection {
  readonly requiresDuplicateDetection: boolean;
  readonly duplicateDetectionHistoryTimeWindowMs: number;
}

export interface QueueDefinition extends QueueSettings, DuplicateDetection {
  readonly name: string;
}

export interface TopicDefinition extends DuplicateDetection {
  readonly name: string;
  readonly defaultMessageTimeToLiveMs: number;
  readonly subscriptions: readonly SubscriptionDefinition[];
}

export interface SubscriptionDefinition extends QueueSettings {
  readonly name: string;
  readonly deadLetteringOnFilterEvaluationExceptions: boolean;
  /** A new subscription without rules gets `$Default`, a true filter. */
  readonly rules: readonly RuleDefinition[];
}

export interface RuleDefinition {
  readonly name: string;
  readonly filter: RuleFilter;
  /** SQL action, applied to this rule's own copy of the message. */
  readonly action?: string;
}

export type RuleFilter =
  | { readonly kind: 'true' }
  | { readonly kind: 'false' }
  | { readonly kind: 'sql'; readonly expression: string; readonly parameters?: Readonly<Record<string, FilterValue>> }
  | { readonly kind: 'correlation'; readonly correlation: CorrelationFilter };

export interface CorrelationFilter {
  readonly correlationId?: string;
  readonly messageId?: string;
  readonly to?: string;
  readonly replyTo?: string;
  readonly subject?: string;
  readonly sessionId?: string;
  readonly replyToSessionId?: string;
  readonly contentType?: string;
  readonly properties?: Readonly<Record<string, FilterValue>>;
}

/** A value that a filter can see. `bigint` is Int64, `number` is Double. */
export type FilterValue = string | number | bigint | boolean | Date | null;

export interface HubDefinition {
  readonly name: string;
  readonly partitionCount: number;
  readonly retentionMs: number;
  /** `$Default` is always there and need not be listed. */
  readonly consumerGroups: readonly string[];
}
