import type { SubscriptionDefinition } from '../../topology/types.js';
import type { Entry } from '../atom.js';
import { formatDuration } from '../duration.js';
import { createFields } from '../fields.js';
import type { SubscriptionInfo, SubscriptionSettings } from '../namespace-port.js';
import { childOf, type Element, field } from '../xml.js';
import { countDetails, entityFields, forwardField, messageCount, readQueueSettings, timeFields } from './common.js';
import { readRule } from './rule.js';

/** Reads the settings in a SubscriptionDescription; an update starts from what `existing` is. */
export function readSubscription(
  name: string,
  description: Element,
  existing?: SubscriptionSettings,
): SubscriptionSettings {
  const fields = createFields(description);
  return {
    name,
    ...readQueueSettings(fields, existing),
    deadLetteringOnFilterEvaluationExceptions: fields.boolean(
      'DeadLetteringOnFilterEvaluationExceptions',
      existing?.deadLetteringOnFilterEvaluationExceptions ?? true,
    ),
  };
}

/** A new subscription has one rule: the one that is given with it, or one that lets everything in. */
export function readNewSubscription(name: string, description: Element): SubscriptionDefinition {
  const rule = childOf(description, 'DefaultRuleDescription');
  return {
    ...readSubscription(name, description),
    rules: [rule ? readRule('$Default', rule) : { name: '$Default', filter: { kind: 'true' } }],
  };
}

export function subscriptionEntry(topic: string, { definition, runtime }: SubscriptionInfo, host: string): Entry {
  const entity = entityFields(definition);
  return {
    path: `${topic}/Subscriptions/${definition.name}`,
    title: definition.name,
    createdAtMs: runtime.createdAtMs,
    updatedAtMs: runtime.updatedAtMs,
    root: 'SubscriptionDescription',
    fields: [
      field('LockDuration', formatDuration(definition.lockDurationMs)),
      field('RequiresSession', definition.requiresSession),
      field('DefaultMessageTimeToLive', formatDuration(definition.defaultMessageTimeToLiveMs)),
      field('DeadLetteringOnMessageExpiration', definition.deadLetteringOnMessageExpiration),
      field('DeadLetteringOnFilterEvaluationExceptions', definition.deadLetteringOnFilterEvaluationExceptions),
      messageCount(runtime),
      field('MaxDeliveryCount', definition.maxDeliveryCount),
      entity.batched,
      entity.status,
      forwardField('ForwardTo', definition.forwardTo, host),
      entity.userMetadata,
      ...timeFields(runtime),
      countDetails(runtime),
      forwardField('ForwardDeadLetteredMessagesTo', definition.forwardDeadLetteredMessagesTo, host),
      entity.autoDelete,
      entity.availability,
    ],
  };
}
