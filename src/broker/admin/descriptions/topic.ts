import type { Entry } from '../atom.js';
import { formatDuration } from '../duration.js';
import { createFields } from '../fields.js';
import type { NewTopic, TopicInfo } from '../namespace-port.js';
import { field } from '../xml.js';
import {
  countDetails,
  duplicateDetectionFields,
  entityFields,
  intakeFields,
  type Reading,
  readDuplicateDetection,
  readEntitySettings,
  readIntakeSettings,
  timeFields,
} from './common.js';

/** Reads a TopicDescription for the topic `name`; an update starts from what `existing` is. */
export function readTopic({ name, description, newKey }: Reading, existing?: NewTopic): NewTopic {
  const fields = createFields(description);
  // Forerunners of rules and of partitioning: nobody could tell that they have no effect here.
  fields.only('FilteringMessagesBeforePublishing', 'false');
  fields.only('EnableSubscriptionPartitioning', 'false');
  const ordered = fields.boolean('SupportOrdering', existing?.supportOrdering ?? true);
  return {
    name,
    ...readEntitySettings(fields, existing),
    ...readIntakeSettings({ fields, description, newKey }, existing),
    ...(ordered ? {} : { supportOrdering: false }),
    ...readDuplicateDetection(fields, existing),
    defaultMessageTimeToLiveMs: fields.durationMs(
      'DefaultMessageTimeToLive',
      existing?.defaultMessageTimeToLiveMs ?? Number.POSITIVE_INFINITY,
    ),
  };
}

export function topicEntry({ definition, runtime }: TopicInfo): Entry {
  const detection = duplicateDetectionFields(definition);
  const entity = entityFields(definition);
  const intake = intakeFields(definition);
  return {
    path: definition.name,
    title: definition.name,
    createdAtMs: runtime.createdAtMs,
    updatedAtMs: runtime.updatedAtMs,
    root: 'TopicDescription',
    fields: [
      field('DefaultMessageTimeToLive', formatDuration(definition.defaultMessageTimeToLiveMs)),
      intake.maxSize,
      detection.requires,
      detection.window,
      entity.batched,
      field('SizeInBytes', runtime.sizeBytes),
      field('FilteringMessagesBeforePublishing', false),
      intake.anonymous,
      intake.authorization,
      entity.status,
      entity.userMetadata,
      ...timeFields(runtime),
      field('SupportOrdering', definition.supportOrdering ?? true),
      countDetails(runtime),
      field('SubscriptionCount', runtime.subscriptionCount),
      entity.autoDelete,
      intake.partitioning,
      entity.availability,
      field('EnableSubscriptionPartitioning', false),
      intake.express,
      intake.maxMessage,
    ],
  };
}
