import type { NewTopic, SubscriptionSettings } from '../admin/index.js';
import {
  type Complain,
  checkQueue,
  checkRule,
  checkSubscription,
  checkTopic,
  MAX_RULES,
  MAX_SUBSCRIPTIONS,
} from '../topology/entity-limits.js';
import type { QueueDefinition, QueueSettings, RuleDefinition, SubscriptionDefinition } from '../topology/index.js';
import type { Namespace } from './contract.js';
import type { SubscriptionEntity, TopicEntity } from './entities.js';

/** Of queues and topics together, in Azure's Standard tier. */
const MAX_QUEUES_AND_TOPICS = 10_000;

type Refusal = { readonly kind: 'invalid' | 'quota'; readonly reason: string };

/** Whether the namespace takes what the administration API is given; undefined when it does. */
export interface Admission {
  queue(definition: QueueDefinition): Refusal | undefined;
  topic(definition: NewTopic): Refusal | undefined;
  subscription(settings: SubscriptionSettings): Refusal | undefined;
  rules(rules: readonly RuleDefinition[]): Refusal | undefined;
  /** Whether there may be one more. */
  newQueueOrTopic(): Refusal | undefined;
  newSubscription(topic: TopicEntity, definition: SubscriptionDefinition): Refusal | undefined;
  newRule(subscription: SubscriptionEntity): Refusal | undefined;
}

function refusalOf(entity: string, check: (complain: Complain) => void): Refusal | undefined {
  const problems: string[] = [];
  check((message) => problems.push(message));
  return problems.length === 0 ? undefined : { kind: 'invalid', reason: `${entity}: ${problems.join('; ')}.` };
}

const full = (count: number, most: number, what: string): Refusal | undefined =>
  count < most ? undefined : { kind: 'quota', reason: `There are ${count} ${what}, as many as there may be.` };

export function createAdmission(namespace: Namespace): Admission {
  const checkForwarding = (settings: QueueSettings & { readonly name: string }, own: boolean, complain: Complain) => {
    for (const key of ['forwardTo', 'forwardDeadLetteredMessagesTo'] as const) {
      const target = settings[key];
      if (target === undefined) continue;
      const found = namespace.find(target);
      if (own && target.toLowerCase() === settings.name.toLowerCase()) complain(`${key} is the queue itself`);
      else if (found === undefined || found.kind === 'hub') complain(`${key}: there is no queue or topic ${target}`);
    }
  };

  const admission: Admission = {
    queue: (definition) =>
      refusalOf(`queue ${definition.name}`, (complain) => {
        checkQueue(definition, complain);
        checkForwarding(definition, true, complain);
      }),
    topic: (definition) => refusalOf(`topic ${definition.name}`, (complain) => checkTopic(definition, complain)),
    subscription: (settings) =>
      refusalOf(`subscription ${settings.name}`, (complain) => {
        checkSubscription(settings, complain);
        checkForwarding(settings, false, complain);
      }),
    rules(rules) {
      for (const rule of rules) {
        const refusal = refusalOf(`rule ${rule.name}`, (complain) => checkRule(rule, complain));
        if (refusal !== undefined) return refusal;
      }
      return undefined;
    },
    newQueueOrTopic: () =>
      full(namespace.queues().length + namespace.topics().length, MAX_QUEUES_AND_TOPICS, 'queues and topics'),
    newSubscription: (topic, definition) =>
      full(topic.subscriptions.size, MAX_SUBSCRIPTIONS, `subscriptions of ${topic.record.definition.name}`) ??
      admission.subscription(definition) ??
      admission.rules(definition.rules),
    newRule: ({ record }) => full(record.definition.rules.length, MAX_RULES, `rules of ${record.definition.name}`),
  };
  return admission;
}
