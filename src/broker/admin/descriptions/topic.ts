import type { Entry } from '../atom.js';
import { FOREVER, formatDuration } from '../duration.js';
import { createFields } from '../fields.js';
import type { NewTopic, TopicInfo } from '../namespace-port.js';
import { type Element, field, tag } from '../xml.js';
import {
  countDetails,
  duplicateDetectionFields,
  readDuplicateDetection,
  refuseUnsupported,
  timeFields,
} from './common.js';

/** Reads a TopicDescription for the topic `name`; an update starts from what `existing` is. */
export function readTopic(name: string, description: Element, existing?: NewTopic): NewTopic {
  const fields = createFields(description);
  refuseUnsupported(fields);
  return {
    name,
    ...readDuplicateDetection(fields, existing),
    defaultMessageTimeToLiveMs: fields.durationMs(
      'DefaultMessageTimeToLive',
      existing?.defaultMessageTimeToLiveMs ?? Number.POSITIVE_INFINITY,
    ),
  };
}

export function topicEntry({ definition, runtime }: TopicInfo): Entry {
  const detection = duplicateDetectionFields(definition);
  return {
    path: definition.name,
    title: definition.name,
    createdAtMs: runtime.createdAtMs,
    updatedAtMs: runtime.updatedAtMs,
    root: 'TopicDescription',
    fields: [
      field('DefaultMessageTimeToLive', formatDuration(definition.defaultMessageTimeToLiveMs)),
      field('MaxSizeInMegabytes', 1024),
      detection.requires,
      detection.window,
      field('EnableBatchedOperations', true),
      field('SizeInBytes', runtime.sizeBytes),
      field('FilteringMessagesBeforePublishing', false),
      field('IsAnonymousAccessible', false),
      tag('AuthorizationRules', {}),
      field('Status', 'Active'),
      ...timeFields(runtime),
      field('SupportOrdering', true),
      countDetails(runtime),
      field('SubscriptionCount', runtime.subscriptionCount),
      field('AutoDeleteOnIdle', FOREVER),
      field('EnablePartitioning', false),
      field('EntityAvailabilityStatus', 'Available'),
      field('EnableSubscriptionPartitioning', false),
      field('EnableExpress', false),
    ],
  };
}
