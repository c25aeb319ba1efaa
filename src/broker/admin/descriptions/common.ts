import { DEFAULT_SIZE_IN_MEGABYTES } from '../../topology/entity-limits.js';
import type {
  DuplicateDetection,
  EntitySettings,
  EntityStatus,
  IntakeSettings,
  QueueSettings,
} from '../../topology/types.js';
import { formatDuration } from '../duration.js';
import { badRequest } from '../errors.js';
import type { Fields } from '../fields.js';
import type { RuntimeFacts } from '../namespace-port.js';
import { type Element, field, tag, timeField, type Xml } from '../xml.js';
import { authorizationRulesField, readAuthorizationRules } from './authorization.js';

const COUNTS = 'http://schemas.microsoft.com/netservices/2011/06/servicebus';

const NEVER_MS = Number.POSITIVE_INFINITY;
/** What a link takes at most. */
const MAX_MESSAGE_KILOBYTES = 1024;

/** Azure's defaults of a new entity. */
const DEFAULT_DUPLICATE_DETECTION: DuplicateDetection = {
  requiresDuplicateDetection: false,
  duplicateDetectionHistoryTimeWindowMs: 600_000,
};

const DEFAULT_QUEUE_SETTINGS: QueueSettings = {
  lockDurationMs: 60_000,
  maxDeliveryCount: 10,
  defaultMessageTimeToLiveMs: Number.POSITIVE_INFINITY,
  deadLetteringOnMessageExpiration: false,
  requiresSession: false,
};

const STATUSES: readonly EntityStatus[] = ['Active', 'Disabled', 'SendDisabled', 'ReceiveDisabled'];
const AVAILABILITIES = ['Available', 'Limited', 'Renaming', 'Restoring', 'Unknown'] as const;

/** An object without what is as it would be anyway. */
function without<T extends object>(settings: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

/** Settings of every entity. Where a field is absent an update keeps it; an empty note takes the note away. */
export function readEntitySettings(fields: Fields, existing: EntitySettings = {}): EntitySettings {
  const status = fields.oneOf('Status', STATUSES, existing.status ?? 'Active');
  const autoDeleteOnIdleMs = fields.durationMs('AutoDeleteOnIdle', existing.autoDeleteOnIdleMs ?? NEVER_MS);
  const batched = fields.boolean('EnableBatchedOperations', existing.enableBatchedOperations ?? true);
  const userMetadata = fields.given('UserMetadata') ?? existing.userMetadata;
  // The state of the service's own machines: clients send back what they read, and it is nobody's to set.
  fields.oneOf('EntityAvailabilityStatus', AVAILABILITIES, 'Available');
  return without({
    status: status === 'Active' ? undefined : status,
    autoDeleteOnIdleMs: autoDeleteOnIdleMs === NEVER_MS ? undefined : autoDeleteOnIdleMs,
    enableBatchedOperations: batched ? undefined : false,
    userMetadata: userMetadata === '' ? undefined : userMetadata,
  } as const) as EntitySettings;
}

/** A description of the entity `name`, and where keys come from that it leaves out. */
export interface Reading {
  readonly name: string;
  readonly description: Element;
  readonly newKey: () => string;
}

interface IntakeReading {
  readonly fields: Fields;
  readonly description: Element;
  readonly newKey: () => string;
}

export function readIntakeSettings({ fields, description, newKey }: IntakeReading, existing?: IntakeSettings) {
  fields.only('IsAnonymousAccessible', 'false');
  // Every message may have this size, and none may be larger: there is nothing to choose.
  fields.only('MaxMessageSizeInKilobytes', String(MAX_MESSAGE_KILOBYTES));
  const partitioned = fields.boolean('EnablePartitioning', existing?.enablePartitioning ?? false);
  refuseChange('EnablePartitioning', existing && (existing.enablePartitioning ?? false), partitioned);
  const sizeInMegabytes = fields.integer(
    'MaxSizeInMegabytes',
    existing?.maxSizeInMegabytes ?? DEFAULT_SIZE_IN_MEGABYTES,
  );
  const rules = readAuthorizationRules(description, newKey) ?? existing?.authorizationRules ?? [];
  return without({
    maxSizeInMegabytes: sizeInMegabytes === DEFAULT_SIZE_IN_MEGABYTES ? undefined : sizeInMegabytes,
    enablePartitioning: partitioned || undefined,
    enableExpress: fields.boolean('EnableExpress', existing?.enableExpress ?? false) || undefined,
    authorizationRules: rules.length === 0 ? undefined : rules,
  }) as IntakeSettings;
}

/** What cannot be changed once an entity is there. */
function refuseChange(name: string, before: boolean | undefined, after: boolean): void {
  if (before !== undefined && before !== after)
    throw badRequest(`The value of ${name} of an existing entity cannot be changed.`);
}

/** Settings of a queue or a subscription. Where a field is absent an update keeps it, but for the forwarding: absent is off. */
export function readQueueSettings(fields: Fields, existing?: QueueSettings): QueueSettings {
  const base = existing ?? DEFAULT_QUEUE_SETTINGS;
  const forwardTo = fields.entityPath('ForwardTo');
  const forwardDeadLetteredMessagesTo = fields.entityPath('ForwardDeadLetteredMessagesTo');
  const requiresSession = fields.boolean('RequiresSession', base.requiresSession);
  refuseChange('RequiresSession', existing?.requiresSession, requiresSession);
  return {
    lockDurationMs: fields.durationMs('LockDuration', base.lockDurationMs),
    maxDeliveryCount: fields.integer('MaxDeliveryCount', base.maxDeliveryCount),
    defaultMessageTimeToLiveMs: fields.durationMs('DefaultMessageTimeToLive', base.defaultMessageTimeToLiveMs),
    deadLetteringOnMessageExpiration: fields.boolean(
      'DeadLetteringOnMessageExpiration',
      base.deadLetteringOnMessageExpiration,
    ),
    requiresSession,
    ...readEntitySettings(fields, existing),
    ...(forwardTo === undefined ? {} : { forwardTo }),
    ...(forwardDeadLetteredMessagesTo === undefined ? {} : { forwardDeadLetteredMessagesTo }),
  };
}

export function readDuplicateDetection(fields: Fields, existing?: DuplicateDetection): DuplicateDetection {
  const base = existing ?? DEFAULT_DUPLICATE_DETECTION;
  const requiresDuplicateDetection = fields.boolean('RequiresDuplicateDetection', base.requiresDuplicateDetection);
  refuseChange('RequiresDuplicateDetection', existing?.requiresDuplicateDetection, requiresDuplicateDetection);
  return {
    requiresDuplicateDetection,
    duplicateDetectionHistoryTimeWindowMs: fields.durationMs(
      'DuplicateDetectionHistoryTimeWindow',
      base.duplicateDetectionHistoryTimeWindowMs,
    ),
  };
}

export const duplicateDetectionFields = (detection: DuplicateDetection) => ({
  requires: field('RequiresDuplicateDetection', detection.requiresDuplicateDetection),
  window: field('DuplicateDetectionHistoryTimeWindow', formatDuration(detection.duplicateDetectionHistoryTimeWindowMs)),
});

export const entityFields = (settings: EntitySettings) => ({
  batched: field('EnableBatchedOperations', settings.enableBatchedOperations ?? true),
  status: field('Status', settings.status ?? 'Active'),
  userMetadata: field('UserMetadata', settings.userMetadata),
  autoDelete: field('AutoDeleteOnIdle', formatDuration(settings.autoDeleteOnIdleMs ?? NEVER_MS)),
  availability: field('EntityAvailabilityStatus', 'Available'),
});

export const intakeFields = (settings: IntakeSettings) => ({
  maxSize: field('MaxSizeInMegabytes', settings.maxSizeInMegabytes ?? DEFAULT_SIZE_IN_MEGABYTES),
  anonymous: field('IsAnonymousAccessible', false),
  authorization: authorizationRulesField(settings.authorizationRules ?? []),
  partitioning: field('EnablePartitioning', settings.enablePartitioning ?? false),
  express: field('EnableExpress', settings.enableExpress ?? false),
  maxMessage: field('MaxMessageSizeInKilobytes', MAX_MESSAGE_KILOBYTES),
});

/** Forwarding is shown as an absolute URL of this namespace, as clients send it. */
export const forwardField = (name: string, target: string | undefined, host: string): Xml | undefined =>
  field(name, target === undefined ? undefined : `sb://${host}/${target}`);

export const timeFields = (runtime: RuntimeFacts): Xml[] => [
  timeField('CreatedAt', runtime.createdAtMs),
  timeField('UpdatedAt', runtime.updatedAtMs),
  timeField('AccessedAt', runtime.accessedAtMs),
];

/** The one attribute that clients learn the prefix of the counts from. */
export const countDetails = (runtime: RuntimeFacts): Xml =>
  tag(
    'CountDetails',
    { 'xmlns:d2p1': COUNTS },
    field('d2p1:ActiveMessageCount', runtime.activeMessageCount),
    field('d2p1:DeadLetterMessageCount', runtime.deadLetterMessageCount),
    field('d2p1:ScheduledMessageCount', runtime.scheduledMessageCount),
    field('d2p1:TransferMessageCount', runtime.transferMessageCount),
    field('d2p1:TransferDeadLetterMessageCount', runtime.transferDeadLetterMessageCount),
  );

/** All that is inside, whatever its state. */
export const messageCount = (runtime: RuntimeFacts): Xml | undefined =>
  field(
    'MessageCount',
    runtime.activeMessageCount +
      runtime.deadLetterMessageCount +
      runtime.scheduledMessageCount +
      runtime.transferMessageCount +
      runtime.transferDeadLetterMessageCount,
  );
