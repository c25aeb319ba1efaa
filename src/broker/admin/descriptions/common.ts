import type { DuplicateDetection, QueueSettings } from '../../topology/types.js';
import { FOREVER, formatDuration } from '../duration.js';
import { badRequest } from '../errors.js';
import type { Fields } from '../fields.js';
import type { RuntimeFacts } from '../namespace-port.js';
import { field, tag, type Xml } from '../xml.js';

const COUNTS = 'http://schemas.microsoft.com/netservices/2011/06/servicebus';

const iso = (timeMs: number) => new Date(timeMs).toISOString();

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

/** Fields that are part of every description, whose other values the embedded broker would have to ignore. */
export function refuseUnsupported(fields: Fields): void {
  fields.only('Status', 'Active');
  fields.only('AutoDeleteOnIdle', FOREVER);
  fields.only('EnablePartitioning', 'false');
  fields.only('EnableExpress', 'false');
  fields.only('AuthorizationRules');
  fields.only('UserMetadata');
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

/** Forwarding is shown as an absolute URL of this namespace, as clients send it. */
export const forwardField = (name: string, target: string | undefined, host: string): Xml | undefined =>
  field(name, target === undefined ? undefined : `sb://${host}/${target}`);

export const timeFields = (runtime: RuntimeFacts): Xml[] => [
  tag('CreatedAt', {}, iso(runtime.createdAtMs)),
  tag('UpdatedAt', {}, iso(runtime.updatedAtMs)),
  tag('AccessedAt', {}, iso(runtime.accessedAtMs)),
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
