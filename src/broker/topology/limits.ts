import {
  checkQueue,
  checkRule,
  checkSubscription,
  checkTopic,
  MAX_RULES,
  MAX_SUBSCRIPTIONS,
  within,
} from './entity-limits.js';
import { checkHub } from './hub-limits.js';
import type { QueueSettings, SubscriptionDefinition, Topology } from './types.js';

/*
 * What the services refuse of whole topologies.
 */

type Report = (entity: string, message: string) => void;

/** @returns what is wrong, one line for each fault, naming the entity; empty when all is well */
export function checkTopology(topology: Topology, leastDuplicateWindowMs?: number): readonly string[] {
  const problems: string[] = [];
  const report: Report = (entity, message) => {
    problems.push(`${entity}: ${message}`);
  };
  const about = (entity: string) => (message: string) => report(entity, message);
  const queuesAndTopics = [...topology.queues, ...topology.topics];
  unique('queues and topics', queuesAndTopics, report);
  unique('hubs', topology.hubs, report);
  const targets = new Set(queuesAndTopics.map((entity) => entity.name.toLowerCase()));
  for (const queue of topology.queues) {
    const entity = `queue ${queue.name}`;
    checkQueue(queue, about(entity), leastDuplicateWindowMs);
    checkForwarding(entity, queue, targets, report);
  }
  for (const topic of topology.topics) {
    const entity = `topic ${topic.name}`;
    checkTopic(topic, about(entity), leastDuplicateWindowMs);
    within('number of subscriptions', topic.subscriptions.length, [0, MAX_SUBSCRIPTIONS], about(entity));
    unique(entity, topic.subscriptions, report);
    for (const one of topic.subscriptions) checkWithRules(`${entity}, subscription ${one.name}`, one, targets, report);
  }
  for (const hub of topology.hubs) {
    const entity = `hub ${hub.name}`;
    const groups = hub.consumerGroups.map((name) => ({ name }));
    unique(entity, groups, report);
    checkHub(hub, about(entity));
  }
  return problems;
}

function checkWithRules(
  entity: string,
  subscription: SubscriptionDefinition,
  targets: ReadonlySet<string>,
  report: Report,
): void {
  checkSubscription(subscription, (message) => report(entity, message));
  checkForwarding(entity, subscription, targets, report);
  within('number of rules', subscription.rules.length, [0, MAX_RULES], (message) => report(entity, message));
  unique(entity, subscription.rules, report);
  for (const rule of subscription.rules) checkRule(rule, (message) => report(`${entity}, rule ${rule.name}`, message));
}

function checkForwarding(entity: string, settings: QueueSettings, targets: ReadonlySet<string>, report: Report): void {
  for (const key of ['forwardTo', 'forwardDeadLetteredMessagesTo'] as const) {
    const target = settings[key];
    if (target === undefined) continue;
    if (!targets.has(target.toLowerCase())) report(entity, `${key}: there is no queue or topic ${target}`);
    if (entity.toLowerCase() === `queue ${target.toLowerCase()}`) report(entity, `${key} is the queue itself`);
  }
}

function unique(entity: string, items: readonly { readonly name: string }[], report: Report): void {
  const seen = new Set<string>();
  for (const { name } of items) {
    const key = name.toLowerCase();
    if (seen.has(key)) report(entity, `there are two named ${name}`);
    seen.add(key);
  }
}
