import type { QueueInfo, RuleInfo, RuntimeFacts, SubscriptionInfo, TopicInfo } from '../../admin/index.js';
import type { QueueSettings, RuleDefinition } from '../../topology/index.js';
import { bytesOf, countMessages } from '../counts.js';
import type { QueueEntity, SubscriptionEntity, TopicEntity } from '../entities.js';
import type { QueueRuntime } from '../queue-runtime.js';

interface Stamps {
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

function queueFacts(
  { createdAtMs, updatedAtMs, definition }: Stamps & { readonly definition: QueueSettings },
  queue: QueueRuntime,
  scheduled?: ReturnType<QueueEntity['scheduler']['facts']>,
): RuntimeFacts {
  const counts = countMessages(definition, queue, scheduled);
  return {
    createdAtMs,
    updatedAtMs,
    accessedAtMs: queue.facts().accessedAtMs,
    sizeBytes: bytesOf(queue, scheduled),
    // As in Azure, a deferred message counts as an active one.
    activeMessageCount: counts.active + counts.deferred,
    deadLetterMessageCount: counts.deadLetter,
    scheduledMessageCount: counts.scheduled,
    transferMessageCount: counts.transfer,
    transferDeadLetterMessageCount: counts.transferDeadLetter,
  };
}

export const queueInfo = ({ record, queue, scheduler }: QueueEntity): QueueInfo => ({
  definition: record.definition,
  runtime: queueFacts(record, queue, scheduler.facts()),
});

export const subscriptionInfo = ({ record, queue }: SubscriptionEntity): SubscriptionInfo => ({
  definition: record.definition,
  runtime: queueFacts(record, queue),
});

export const topicInfo = ({ record, subscriptions, accessedAtMs, scheduler, sizeBytes }: TopicEntity): TopicInfo => ({
  definition: { ...record.definition, subscriptions: [...subscriptions.values()].map((one) => one.record.definition) },
  runtime: {
    createdAtMs: record.createdAtMs,
    updatedAtMs: record.updatedAtMs,
    accessedAtMs,
    sizeBytes: sizeBytes(),
    activeMessageCount: 0,
    deadLetterMessageCount: 0,
    scheduledMessageCount: scheduler.facts().count,
    transferMessageCount: 0,
    transferDeadLetterMessageCount: 0,
    subscriptionCount: subscriptions.size,
  },
});

export const ruleInfo = ({ record }: SubscriptionEntity, definition: RuleDefinition): RuleInfo => ({
  definition,
  runtime: { createdAtMs: record.ruleCreatedAtMs[definition.name.toLowerCase()] ?? record.createdAtMs },
});
