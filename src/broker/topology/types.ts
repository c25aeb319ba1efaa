/**
 * The entities of one namespace as the broker knows them, whatever they were read from: an ARM template, an emulator's
 * Config.json, or the administration API. Durations are milliseconds. Names keep the case they were given;
 * look-ups ignore case, as the services do.
 */
export interface Topology {
  readonly queues: readonly QueueDefinition[];
  readonly topics: readonly TopicDefinition[];
  readonly hubs: readonly HubDefinition[];
  /** Shared access authorization rules; their keys are not the topology's. */
  readonly authorizationRules?: readonly DeclaredAuthorizationRule[];
}

export interface DeclaredAuthorizationRule {
  readonly name: string;
  /** Path of the entity; empty for the namespace. */
  readonly scope: string;
  readonly rights: readonly AccessRight[];
}

export type EntityStatus = 'Active' | 'Disabled' | 'SendDisabled' | 'ReceiveDisabled';

/** What queues, topics and subscriptions share. Where a setting is absent it has the service's default. */
export interface EntitySettings {
  /** Absent: Active. */
  readonly status?: EntityStatus;
  /** The entity goes when nobody used it for so long. Absent: it stays. */
  readonly autoDeleteOnIdleMs?: number;
  /** A note of the user's own. */
  readonly userMetadata?: string;
  /** Kept for who asks: every operation is batched here. Absent: true. */
  readonly enableBatchedOperations?: boolean;
}

export type AccessRight = 'Manage' | 'Send' | 'Listen';

/** A key for one queue or topic, with all that is under it. */
export interface AuthorizationRule {
  readonly keyName: string;
  readonly rights: readonly AccessRight[];
  readonly primaryKey: string;
  readonly secondaryKey: string;
}

/** What queues and topics share: both take messages from outside. */
export interface IntakeSettings extends EntitySettings {
  /** Absent: 1024. */
  readonly maxSizeInMegabytes?: number;
  /** Kept for who asks: one process has one partition, and keeps messages on disk before it accepts them. Absent: false. */
  readonly enablePartitioning?: boolean;
  readonly enableExpress?: boolean;
  readonly authorizationRules?: readonly AuthorizationRule[];
}

/** What queues and subscriptions share: the settings of a peek-lock store of messages. */
export interface QueueSettings extends EntitySettings {
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

export interface QueueDefinition extends QueueSettings, IntakeSettings, DuplicateDetection {
  readonly name: string;
}

export interface TopicDefinition extends IntakeSettings, DuplicateDetection {
  readonly name: string;
  /** Kept for who asks: messages stay in order here. Absent: true. */
  readonly supportOrdering?: boolean;
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
  /** Values of `@name` in the action. */
  readonly actionParameters?: Readonly<Record<string, FilterValue>>;
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
  /** Absent: Active. */
  readonly status?: EntityStatus;
  /** A note of the user's own. */
  readonly userMetadata?: string;
  /** Undefined when the hub is not captured. */
  readonly capture?: CaptureDefinition;
}

/** Whether the blocks of a file are compressed. */
export type CaptureEncoding = 'Avro' | 'AvroDeflate';

/** Event Hubs Capture: what goes through the hub is written to blobs. */
export interface CaptureDefinition {
  readonly encoding: CaptureEncoding;
  /** A file is closed after this time, or when its events have this size: the first of the two wins. */
  readonly intervalMs: number;
  readonly sizeLimitBytes: number;
  /** Whether an interval without events leaves no file. */
  readonly skipEmptyArchives: boolean;
  readonly container: string;
  /** Name of the files, with `{Namespace}`, `{EventHub}`, `{PartitionId}` and `{Year}` to `{Second}`. */
  readonly nameFormat: string;
  /** What `{Namespace}` stands for. */
  readonly namespace: string;
  /** Kept for who asks: the broker writes to the one storage account that it is configured with. */
  readonly storageAccountResourceId?: string;
}
