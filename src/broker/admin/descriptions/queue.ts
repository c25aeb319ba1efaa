import type { QueueDefinition } from '../../topology/types.js';
import type { Entry } from '../atom.js';
import { formatDuration } from '../duration.js';
import { createFields } from '../fields.js';
import type { QueueInfo } from '../namespace-port.js';
import { field } from '../xml.js';
import {
  countDetails,
  duplicateDetectionFields,
  entityFields,
  forwardField,
  intakeFields,
  messageCount,
  type Reading,
  readDuplicateDetection,
  readIntakeSettings,
  readQueueSettings,
  timeFields,
} from './common.js';

/** Reads a QueueDescription for the queue `name`; an update starts from what `existing` is. */
export function readQueue({ name, description, newKey }: Reading, existing?: QueueDefinition): QueueDefinition {
  const fields = createFields(description);
  return {
    name,
    ...readQueueSettings(fields, existing),
    ...readIntakeSettings({ fields, description, newKey }, existing),
    ...readDuplicateDetection(fields, existing),
  };
}

/** The element order is part of the contract: Azure's data contracts skip what comes out of order. */
export function queueEntry({ definition, runtime }: QueueInfo, host: string): Entry {
  const detection = duplicateDetectionFields(definition);
  const entity = entityFields(definition);
  const intake = intakeFields(definition);
  return {
    path: definition.name,
    title: definition.name,
    createdAtMs: runtime.createdAtMs,
    updatedAtMs: runtime.updatedAtMs,
    root: 'QueueDescription',
    fields: [
      field('LockDuration', formatDuration(definition.lockDurationMs)),
      intake.maxSize,
      detection.requires,
      field('RequiresSession', definition.requiresSession),
      field('DefaultMessageTimeToLive', formatDuration(definition.defaultMessageTimeToLiveMs)),
      field('DeadLetteringOnMessageExpiration', definition.deadLetteringOnMessageExpiration),
      detection.window,
      field('MaxDeliveryCount', definition.maxDeliveryCount),
      entity.batched,
      field('SizeInBytes', runtime.sizeBytes),
      messageCount(runtime),
      intake.anonymous,
      intake.authorization,
      entity.status,
      forwardField('ForwardTo', definition.forwardTo, host),
      entity.userMetadata,
      ...timeFields(runtime),
      field('SupportOrdering', true),
      countDetails(runtime),
      entity.autoDelete,
      intake.partitioning,
      forwardField('ForwardDeadLetteredMessagesTo', definition.forwardDeadLetteredMessagesTo, host),
      entity.availability,
      intake.express,
      intake.maxMessage,
    ],
  };
}
