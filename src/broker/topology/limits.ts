import {
  checkName,
  checkQueue,
  checkRule,
  checkSubscription,
  checkTopic,
  MAX_RULES,
  MAX_SUBSCRIPTIONS,
  within,
} from './entity-limits.js';
import type { HubDefinition, QueueSettings, SubscriptionDefinition, Topology } from './types.js';

/*
 * What the services refuse of whole topologies. For hubs by https://learn.microsoft.com/azure/event-hubs/event-hubs-quotas
 * (the widest tier: what a tier allows is checked where the tier is known).
 */

const DAY_MS = 86_400_000;

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
  for (const hub of topology.hubs) checkHub(`hub ${hub.name}`, hub, report);
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

function checkHub(entity: string, hub: HubDefinition, report: Report): void {
  const complain = (message: string) => report(entity, message);
  checkName(hub.name, 256, complain);
  within('partitionCount', hub.partitionCount, [1, 1024], complain);
  within('retention in days', hub.retentionMs / DAY_MS, [1 / 24, 90], complain);
  within('number of consumer groups', hub.consumerGroups.length, [0, 1000], complain);
  unique(
    entity,
    hub.consumerGroups.map((name) => ({ name })),
    report,
  );
  for (const group of hub.consumerGroups)
    checkName(group, 50, (message) => report(`${entity}, consumer group ${group}`, message));
}

function unique(entity: string, items: readonly { readonly name: string }[], report: Report): void {
  const seen = new Set<string>();
  for (const { name } of items) {
    const key = name.toLowerCase();
    if (seen.has(key)) report(entity, `there are two named ${name}`);
    seen.add(key);
  }
}
