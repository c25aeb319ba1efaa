import { BrokerError } from '../errors.js';
import type {
  HubDefinition,
  QueueDefinition,
  QueueSettings,
  SubscriptionDefinition,
  TopicDefinition,
  Topology,
} from '../topology/index.js';
import type { Namespace } from './contract.js';
import type { TopicEntity } from './entities.js';
import { DEFAULT_RULE, sameDefinition } from './records.js';

const contradiction = (message: string) => new BrokerError('PS_BROKER_TOPOLOGY', message);

export const subscriptionPath = (topic: string, name: string): string => `${topic}/Subscriptions/${name}`;

/** A new subscription without rules gets all messages. */
export const withDefaultRule = (definition: SubscriptionDefinition): SubscriptionDefinition =>
  definition.rules.length > 0 ? definition : { ...definition, rules: [DEFAULT_RULE] };

export const ruleTimes = (definition: SubscriptionDefinition, nowMs: number): Record<string, number> =>
  Object.fromEntries(definition.rules.map(({ name }) => [name.toLowerCase(), nowMs]));

/**
 * Makes the namespace agree with the topology. An entity that the topology changed since it was last applied takes the
 * new settings; one that it did not change keeps what was set at run time; one that it does not name stays as it is. What
 * was made at run time, also in the place of an entity that was deleted, is as its maker wanted it until the topology changes:
 * it may have other partitions, or sessions, which cannot be changed.
 */
export async function applyTopology(namespace: Namespace, topology: Topology): Promise<void> {
  for (const queue of topology.queues) await applyQueue(namespace, queue);
  for (const topic of topology.topics) await applyTopic(namespace, topic);
  for (const hub of topology.hubs) await applyHub(namespace, hub);
}

async function applyQueue(namespace: Namespace, definition: QueueDefinition): Promise<void> {
  const entity = namespace.find(definition.name);
  if (entity === undefined) {
    await namespace.addQueue({ kind: 'queue', path: definition.name, definition, fromTopology: definition });
    return;
  }
  if (entity.kind !== 'queue') throw contradiction(`${definition.name} is stored as a ${entity.kind}, not as a queue`);
  const { fromTopology } = entity.record;
  if (fromTopology === undefined) return namespace.update({ ...entity.record, fromTopology: definition });
  if (sameDefinition(fromTopology, definition)) return;
  keepsSessions(entity.record.definition, definition);
  await namespace.update({ ...entity.record, definition, fromTopology: definition });
}

/** Messages are stored by session or not at all so. */
function keepsSessions(stored: QueueSettings, { name, requiresSession }: QueueSettings & { name: string }): void {
  if (stored.requiresSession === requiresSession) return;
  const is = stored.requiresSession ? 'with' : 'without';
  throw contradiction(`${name} is stored ${is} sessions: requiresSession cannot change`);
}

async function applyTopic(namespace: Namespace, topic: TopicDefinition): Promise<void> {
  const { subscriptions, ...definition } = topic;
  const path = definition.name;
  let entity = namespace.find(path);
  if (entity === undefined) {
    entity = await namespace.addTopic({ kind: 'topic', path, definition, fromTopology: definition });
  }
  if (entity.kind !== 'topic') throw contradiction(`${path} is stored as a ${entity.kind}, not as a topic`);
  const { record } = entity;
  if (record.fromTopology === undefined) await namespace.update({ ...record, fromTopology: definition });
  else if (!sameDefinition(record.fromTopology, definition))
    await namespace.update({ ...record, definition, fromTopology: definition });
  for (const subscription of subscriptions) await applySubscription(namespace, entity, withDefaultRule(subscription));
}

async function applySubscription(
  namespace: Namespace,
  topic: TopicEntity,
  definition: SubscriptionDefinition,
): Promise<void> {
  const entity = topic.subscriptions.get(definition.name.toLowerCase());
  if (entity !== undefined) {
    const { fromTopology } = entity.record;
    if (fromTopology === undefined) return namespace.update({ ...entity.record, fromTopology: definition });
    if (sameDefinition(fromTopology, definition)) return;
  }
  const applied = { definition, fromTopology: definition, ruleCreatedAtMs: ruleTimes(definition, namespace.nowMs()) };
  if (entity === undefined) {
    const topicName = topic.record.path;
    const path = subscriptionPath(topicName, definition.name);
    await namespace.addSubscription({ kind: 'subscription', path, topic: topicName, ...applied });
    return;
  }
  keepsSessions(entity.record.definition, definition);
  await namespace.update({ ...entity.record, ...applied });
}

async function applyHub(namespace: Namespace, definition: HubDefinition): Promise<void> {
  const entity = namespace.find(definition.name);
  if (entity === undefined) {
    await namespace.addHub({ kind: 'hub', path: definition.name, definition, fromTopology: definition });
    return;
  }
  if (entity.kind !== 'hub') throw contradiction(`${definition.name} is stored as a ${entity.kind}, not as a hub`);
  const { record } = entity;
  const { fromTopology } = record;
  if (fromTopology !== undefined) {
    if (sameDefinition(fromTopology, definition)) return;
    if (definition.partitionCount !== record.logIds.length) {
      const counts = `${record.logIds.length} partitions, not ${definition.partitionCount}`;
      throw contradiction(`hub ${definition.name} is stored with ${counts}: the number of partitions cannot change`);
    }
  }
  const before = new Set(fromTopology?.consumerGroups ?? []);
  // Consumer groups that were made at run time stay.
  const added = record.definition.consumerGroups.filter((name) => !before.has(name));
  const known = new Set(definition.consumerGroups.map((name) => name.toLowerCase()));
  const consumerGroups = [...definition.consumerGroups, ...added.filter((name) => !known.has(name.toLowerCase()))];
  const settings = fromTopology === undefined ? record.definition : definition;
  await namespace.update({ ...record, definition: { ...settings, consumerGroups }, fromTopology: definition });
}
