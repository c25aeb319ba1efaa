import type {
  CreateOutcome,
  DeleteOutcome,
  NamespacePort,
  NewTopic,
  QueueInfo,
  RuleInfo,
  RuntimeFacts,
  SubscriptionInfo,
  SubscriptionSettings,
  TopicInfo,
  UpdateOutcome,
} from '../admin/index.js';
import type { QueueDefinition, QueueSettings, RuleDefinition, SubscriptionDefinition } from '../topology/index.js';
import { createAdmission } from './admission.js';
import { ruleTimes, subscriptionPath, withDefaultRule } from './apply-topology.js';
import type { Namespace } from './contract.js';
import { bytesOf, countMessages } from './counts.js';
import type { QueueEntity, SubscriptionEntity, TopicEntity } from './entities.js';
import type { QueueRuntime } from './queue-runtime.js';

const NOT_FOUND = { kind: 'not-found' } as const;
const EXISTS = { kind: 'exists' } as const;
const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
const byName = <T extends { record: { definition: { name: string } } }>(entities: Iterable<T>): T[] =>
  [...entities].sort((a, b) =>
    a.record.definition.name.toLowerCase() < b.record.definition.name.toLowerCase() ? -1 : 1,
  );

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

const queueInfo = ({ record, queue, scheduler }: QueueEntity): QueueInfo => ({
  definition: record.definition,
  runtime: queueFacts(record, queue, scheduler.facts()),
});

const subscriptionInfo = ({ record, queue }: SubscriptionEntity): SubscriptionInfo => ({
  definition: record.definition,
  runtime: queueFacts(record, queue),
});

const topicInfo = ({ record, subscriptions, accessedAtMs, scheduler, sizeBytes }: TopicEntity): TopicInfo => ({
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

const ruleInfo = ({ record }: SubscriptionEntity, definition: RuleDefinition): RuleInfo => ({
  definition,
  runtime: { createdAtMs: record.ruleCreatedAtMs[definition.name.toLowerCase()] ?? record.createdAtMs },
});

/** The namespace as the administration API sees it. Operations on one entity run one after the other. */
export function createNamespacePort(namespace: Namespace): NamespacePort {
  const admission = createAdmission(namespace);
  let last: Promise<unknown> = Promise.resolve();
  /** Changes of the namespace are rare and must not overtake each other. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  }

  const findQueue = (name: string) => {
    const entity = namespace.find(name);
    return entity?.kind === 'queue' ? entity : undefined;
  };
  const findTopic = (name: string) => {
    const entity = namespace.find(name);
    return entity?.kind === 'topic' ? entity : undefined;
  };

  async function setRules(
    entity: SubscriptionEntity,
    rules: readonly RuleDefinition[],
    changed: string,
  ): Promise<void> {
    const { record } = entity;
    const times = { ...record.ruleCreatedAtMs };
    times[changed.toLowerCase()] ??= namespace.nowMs();
    if (!rules.some(({ name }) => same(name, changed))) delete times[changed.toLowerCase()];
    await namespace.update({ ...record, definition: { ...record.definition, rules }, ruleCreatedAtMs: times });
  }

  async function createSubscription(
    topicName: string,
    given: SubscriptionDefinition,
  ): Promise<CreateOutcome<SubscriptionInfo>> {
    const topic = findTopic(topicName);
    if (topic === undefined) return NOT_FOUND;
    if (topic.subscriptions.has(given.name.toLowerCase())) return EXISTS;
    const definition = withDefaultRule(given);
    const refusal = admission.newSubscription(topic, definition);
    if (refusal !== undefined) return refusal;
    const topicPath = topic.record.path;
    const entity = await namespace.addSubscription({
      kind: 'subscription',
      path: subscriptionPath(topicPath, definition.name),
      topic: topicPath,
      definition,
      ruleCreatedAtMs: ruleTimes(definition, namespace.nowMs()),
    });
    return { kind: 'created', info: subscriptionInfo(entity) };
  }

  async function updateSubscription(
    topicName: string,
    settings: SubscriptionSettings,
  ): Promise<UpdateOutcome<SubscriptionInfo>> {
    const entity = namespace.findSubscription(topicName, settings.name);
    if (entity === undefined) return NOT_FOUND;
    const { record } = entity;
    if (settings.requiresSession !== record.definition.requiresSession) return fixed('RequiresSession');
    const refusal = admission.subscription(settings);
    if (refusal !== undefined) return refusal;
    const definition = { ...settings, name: record.definition.name, rules: record.definition.rules };
    await namespace.update({ ...record, definition });
    return { kind: 'updated', info: subscriptionInfo(entity) };
  }

  async function deleteEntity(entity: QueueEntity | TopicEntity | SubscriptionEntity | undefined) {
    if (entity === undefined) return NOT_FOUND;
    await namespace.remove(entity);
    return { kind: 'deleted' } satisfies DeleteOutcome;
  }

  async function createQueue(definition: QueueDefinition): Promise<CreateOutcome<QueueInfo>> {
    if (namespace.find(definition.name) !== undefined) return EXISTS;
    const refusal = admission.newQueueOrTopic() ?? admission.queue(definition);
    if (refusal !== undefined) return refusal;
    const entity = await namespace.addQueue({ kind: 'queue', path: definition.name, definition });
    return { kind: 'created', info: queueInfo(entity) };
  }

  async function updateQueue(definition: QueueDefinition): Promise<UpdateOutcome<QueueInfo>> {
    const entity = findQueue(definition.name);
    if (entity === undefined) return NOT_FOUND;
    const current = entity.record.definition;
    if (definition.requiresSession !== current.requiresSession) return fixed('RequiresSession');
    if (definition.requiresDuplicateDetection !== current.requiresDuplicateDetection) {
      return fixed('RequiresDuplicateDetection');
    }
    const refusal = admission.queue(definition);
    if (refusal !== undefined) return refusal;
    await namespace.update({ ...entity.record, definition: { ...definition, name: current.name } });
    return { kind: 'updated', info: queueInfo(entity) };
  }

  async function createTopic(definition: NewTopic): Promise<CreateOutcome<TopicInfo>> {
    if (namespace.find(definition.name) !== undefined) return EXISTS;
    const refusal = admission.newQueueOrTopic() ?? admission.topic(definition);
    if (refusal !== undefined) return refusal;
    const entity = await namespace.addTopic({ kind: 'topic', path: definition.name, definition });
    return { kind: 'created', info: topicInfo(entity) };
  }

  async function updateTopic(definition: NewTopic): Promise<UpdateOutcome<TopicInfo>> {
    const entity = findTopic(definition.name);
    if (entity === undefined) return NOT_FOUND;
    const current = entity.record.definition;
    if (definition.requiresDuplicateDetection !== current.requiresDuplicateDetection) {
      return fixed('RequiresDuplicateDetection');
    }
    const refusal = admission.topic(definition);
    if (refusal !== undefined) return refusal;
    await namespace.update({ ...entity.record, definition: { ...definition, name: current.name } });
    return { kind: 'updated', info: topicInfo(entity) };
  }

  async function createRule(
    topicName: string,
    subscription: string,
    rule: RuleDefinition,
  ): Promise<CreateOutcome<RuleInfo>> {
    const entity = namespace.findSubscription(topicName, subscription);
    if (entity === undefined) return NOT_FOUND;
    const { rules } = entity.record.definition;
    if (rules.some(({ name }) => same(name, rule.name))) return EXISTS;
    const refusal = admission.newRule(entity) ?? admission.rules([rule]);
    if (refusal !== undefined) return refusal;
    await setRules(entity, [...rules, rule], rule.name);
    return { kind: 'created', info: ruleInfo(entity, rule) };
  }

  async function updateRule(
    topicName: string,
    subscription: string,
    rule: RuleDefinition,
  ): Promise<UpdateOutcome<RuleInfo>> {
    const entity = namespace.findSubscription(topicName, subscription);
    const rules = entity?.record.definition.rules ?? [];
    if (entity === undefined || !rules.some(({ name }) => same(name, rule.name))) return NOT_FOUND;
    const refusal = admission.rules([rule]);
    if (refusal !== undefined) return refusal;
    await setRules(
      entity,
      rules.map((one) => (same(one.name, rule.name) ? rule : one)),
      rule.name,
    );
    return { kind: 'updated', info: ruleInfo(entity, rule) };
  }

  async function deleteRule(topicName: string, subscription: string, name: string): Promise<DeleteOutcome> {
    const entity = namespace.findSubscription(topicName, subscription);
    const rules = entity?.record.definition.rules ?? [];
    if (entity === undefined || !rules.some((one) => same(one.name, name))) return NOT_FOUND;
    await setRules(
      entity,
      rules.filter((one) => !same(one.name, name)),
      name,
    );
    return { kind: 'deleted' };
  }

  return {
    createdAtMs: namespace.createdAtMs,
    queues: () => byName(namespace.queues()).map(queueInfo),
    queue(name) {
      const entity = findQueue(name);
      return entity && queueInfo(entity);
    },
    createQueue: (definition) => inTurn(() => createQueue(definition)),
    updateQueue: (definition) => inTurn(() => updateQueue(definition)),
    deleteQueue: (name) => inTurn(() => deleteEntity(findQueue(name))),
    topics: () => byName(namespace.topics()).map(topicInfo),
    topic(name) {
      const entity = findTopic(name);
      return entity && topicInfo(entity);
    },
    createTopic: (definition) => inTurn(() => createTopic(definition)),
    updateTopic: (definition) => inTurn(() => updateTopic(definition)),
    deleteTopic: (name) => inTurn(() => deleteEntity(findTopic(name))),
    subscriptions(topicName) {
      const topic = findTopic(topicName);
      return topic && byName(topic.subscriptions.values()).map(subscriptionInfo);
    },
    subscription(topicName, name) {
      const entity = namespace.findSubscription(topicName, name);
      return entity && subscriptionInfo(entity);
    },
    createSubscription: (topicName, definition) => inTurn(() => createSubscription(topicName, definition)),
    updateSubscription: (topicName, settings) => inTurn(() => updateSubscription(topicName, settings)),
    deleteSubscription: (topicName, name) => inTurn(() => deleteEntity(namespace.findSubscription(topicName, name))),
    rules(topicName, subscription) {
      const entity = namespace.findSubscription(topicName, subscription);
      return entity?.record.definition.rules.map((rule) => ruleInfo(entity, rule));
    },
    rule(topicName, subscription, name) {
      const entity = namespace.findSubscription(topicName, subscription);
      const rule = entity?.record.definition.rules.find((one) => same(one.name, name));
      return entity && rule && ruleInfo(entity, rule);
    },
    createRule: (topicName, subscription, rule) => inTurn(() => createRule(topicName, subscription, rule)),
    updateRule: (topicName, subscription, rule) => inTurn(() => updateRule(topicName, subscription, rule)),
    deleteRule: (topicName, subscription, name) => inTurn(() => deleteRule(topicName, subscription, name)),
  };
}

/** Azure lets some settings be chosen only when an entity is made. */
const fixed = (setting: string) =>
  ({
    kind: 'invalid',
    reason: `The value for the ${setting} property of an existing entity cannot be changed.`,
  }) as const;
