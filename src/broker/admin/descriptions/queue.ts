import type { QueueDefinition } from '../../topology/types.js';
import type { Entry } from '../atom.js';
import { FOREVER, formatDuration } from '../duration.js';
import { createFields } from '../fields.js';
import type { QueueInfo } from '../namespace-port.js';
import { type Element, field, tag } from '../xml.js';
import {
  countDetails,
  duplicateDetectionFields,
  forwardField,
  messageCount,
  readDuplicateDetection,
  readQueueSettings,
  refuseUnsupported,
  timeFields,
} from './common.js';

/** Reads a QueueDescription for the queue `name`; an update starts from what `existing` is. */
export function readQueue(name: string, description: Element, existing?: QueueDefinition): QueueDefinition {
  const fields = createFields(description);
  refuseUnsupported(fields);
  return { name, ...readQueueSettings(fields, existing), ...readDuplicateDetection(fields, existing) };
}

/** The element order is part of the contract: Azure's data contracts skip what comes out of order. */
export function queueEntry({ definition, runtime }: QueueInfo, host: string): Entry {
  const detection = duplicateDetectionFields(definition);
  return {
    path: definition.name,
    title: definition.name,
    createdAtMs: runtime.createdAtMs,
    updatedAtMs: runtime.updatedAtMs,
    root: 'QueueDescription',
    fields: [
      field('LockDuration', formatDuration(definition.lockDurationMs)),
      field('MaxSizeInMegabytes', 1024),
      detection.requires,
      field('RequiresSession', definition.requiresSession),
      field('DefaultMessageTimeToLive', formatDuration(definition.defaultMessageTimeToLiveMs)),
      field('DeadLetteringOnMessageExpiration', definition.deadLetteringOnMessageExpiration),
      detection.window,
      field('MaxDeliveryCount', definition.maxDeliveryCount),
      field('EnableBatchedOperations', true),
      field('SizeInBytes', runtime.sizeBytes),
      messageCount(runtime),
      field('IsAnonymousAccessible', false),
      tag('AuthorizationRules', {}),
      field('Status', 'Active'),
      forwardField('ForwardTo', definition.forwardTo, host),
      ...timeFields(runtime),
      field('SupportOrdering', true),
      countDetails(runtime),
      field('AutoDeleteOnIdle', FOREVER),
      field('EnablePartitioning', false),
      forwardField('ForwardDeadLetteredMessagesTo', definition.forwardDeadLetteredMessagesTo, host),
      field('EntityAvailabilityStatus', 'Available'),
      field('EnableExpress', false),
    ],
  };
}
