import type {
  CreateOutcome,
  NamespacePort,
  SubscriptionInfo,
  SubscriptionSettings,
  UpdateOutcome,
} from '../../admin/index.js';
import type { SubscriptionDefinition } from '../../topology/index.js';
import { ruleTimes, subscriptionPath, withDefaultRule } from '../apply-topology.js';
import { subscriptionInfo } from './info.js';
import { type AdministrationParts, byName, deleteEntity, EXISTS, findTopic, fixed, NOT_FOUND } from './parts.js';

type Subscriptions = Pick<
  NamespacePort,
  'subscriptions' | 'subscription' | 'createSubscription' | 'updateSubscription' | 'deleteSubscription'
>;

/** The subscriptions of the topics of a namespace as the administration API sees them. */
export function administerSubscriptions({ namespace, admission, inTurn }: AdministrationParts): Subscriptions {
  async function createSubscription(
    topicName: string,
    given: SubscriptionDefinition,
  ): Promise<CreateOutcome<SubscriptionInfo>> {
    const topic = findTopic(namespace, topicName);
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

  return {
    subscriptions(topicName) {
      const topic = findTopic(namespace, topicName);
      return topic && byName(topic.subscriptions.values()).map(subscriptionInfo);
    },
    subscription(topicName, name) {
      const entity = namespace.findSubscription(topicName, name);
      return entity && subscriptionInfo(entity);
    },
    createSubscription: (topicName, definition) => inTurn(() => createSubscription(topicName, definition)),
    updateSubscription: (topicName, settings) => inTurn(() => updateSubscription(topicName, settings)),
    deleteSubscription: (topicName, name) =>
      inTurn(() => deleteEntity(namespace, namespace.findSubscription(topicName, name))),
  };
}
