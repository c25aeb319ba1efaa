import type { Entry } from './atom.js';
import { queueEntry, readQueue } from './descriptions/queue.js';
import { readRule, ruleEntry } from './descriptions/rule.js';
import { readNewSubscription, readSubscription, subscriptionEntry } from './descriptions/subscription.js';
import { readTopic, topicEntry } from './descriptions/topic.js';
import { entityNotFound, notChangeable } from './errors.js';
import type { CreateOutcome, DeleteOutcome, NamespacePort, UpdateOutcome } from './namespace-port.js';
import { expectRoot, type Listing, listingOf as listingAt, type Resource, settled as settledAt } from './resource.js';
import type { Target } from './target.js';
import { type Element, field, timeField } from './xml.js';

/** The operations on what a path names. All of them throw AdminError. */
export interface Resources {
  /** The entry; undefined where Azure answers an empty list (a queue or topic that is not there). */
  get(target: Target): Entry | undefined;
  /** Undefined when the target is no list. */
  list(target: Target): Listing | undefined;
  create(target: Target, description: Element): Promise<Entry>;
  update(target: Target, description: Element): Promise<Entry>;
  remove(target: Target): Promise<void>;
}

const pathOf = (target: Target): string => {
  switch (target.kind) {
    case 'namespace':
      return '$namespaceinfo';
    case 'queues':
      return '$Resources/Queues';
    case 'topics':
      return '$Resources/Topics';
    case 'entity':
      return target.name;
    case 'subscriptions':
      return `${target.topic}/Subscriptions`;
    case 'subscription':
      return `${target.topic}/Subscriptions/${target.name}`;
    case 'rules':
      return `${target.topic}/Subscriptions/${target.subscription}/Rules`;
    case 'rule':
      return `${target.topic}/Subscriptions/${target.subscription}/Rules/${target.name}`;
  }
};

const settled = <Info>(outcome: CreateOutcome<Info> | UpdateOutcome<Info>, target: Target): Info =>
  settledAt(outcome, pathOf(target));

const listingOf = <Info>(target: Target, infos: readonly Info[] | undefined, toEntry: (info: Info) => Entry): Listing =>
  listingAt(pathOf(target), infos, toEntry);

export interface ResourcesOptions {
  /** Host and port as the client wrote them; forwarding targets are shown as URLs of it. */
  readonly host: string;
  readonly namespaceName: string;
  /** A new access key, for an authorization rule that comes without. */
  readonly newKey: () => string;
}

export function createResources(port: NamespacePort, { host, namespaceName, newKey }: ResourcesOptions): Resources {
  const topicName = (topic: string) => port.topic(topic)?.definition.name ?? topic;
  const subscriptionName = (topic: string, name: string) => port.subscription(topic, name)?.definition.name ?? name;
  const queueToEntry = (info: Parameters<typeof queueEntry>[0]) => queueEntry(info, host);
  const subscriptionToEntry = (topic: string) => (info: Parameters<typeof subscriptionEntry>[1]) =>
    subscriptionEntry(topicName(topic), info, host);
  const ruleToEntry = (topic: string, subscription: string) => (info: Parameters<typeof ruleEntry>[2]) =>
    ruleEntry(topicName(topic), subscriptionName(topic, subscription), info);

  const namespaceEntry = (): Entry => ({
    path: '$namespaceinfo',
    title: namespaceName,
    createdAtMs: port.createdAtMs,
    updatedAtMs: port.createdAtMs,
    root: 'NamespaceInfo',
    fields: [
      timeField('CreatedTime', port.createdAtMs),
      field('MessagingSKU', 'Standard'),
      timeField('ModifiedTime', port.createdAtMs),
      field('Name', namespaceName),
      field('NamespaceType', 'Messaging'),
    ],
  });

  const getEntity = (name: string): Entry | undefined => {
    const queue = port.queue(name);
    if (queue) return queueToEntry(queue);
    const topic = port.topic(name);
    return topic && topicEntry(topic);
  };

  const createEntity = async (target: Target & { kind: 'entity' }, description: Element): Promise<Entry> => {
    if (description.name === 'TopicDescription') {
      return topicEntry(settled(await port.createTopic(readTopic({ name: target.name, description, newKey })), target));
    }
    expectRoot(description, 'QueueDescription');
    return queueToEntry(settled(await port.createQueue(readQueue({ name: target.name, description, newKey })), target));
  };

  const updateEntity = async (target: Target & { kind: 'entity' }, description: Element): Promise<Entry> => {
    if (description.name === 'TopicDescription') {
      const existing = port.topic(target.name)?.definition;
      if (!existing) throw entityNotFound(target.name);
      return topicEntry(
        settled(await port.updateTopic(readTopic({ name: existing.name, description, newKey }, existing)), target),
      );
    }
    expectRoot(description, 'QueueDescription');
    const existing = port.queue(target.name)?.definition;
    if (!existing) throw entityNotFound(target.name);
    return queueToEntry(
      settled(await port.updateQueue(readQueue({ name: existing.name, description, newKey }, existing)), target),
    );
  };

  const removed = (outcome: DeleteOutcome, target: Target): void => {
    if (outcome.kind === 'not-found') throw entityNotFound(pathOf(target));
  };

  return {
    get(target) {
      switch (target.kind) {
        case 'namespace':
          return namespaceEntry();
        case 'entity':
          return getEntity(target.name);
        case 'subscription': {
          const info = port.subscription(target.topic, target.name);
          if (!info) throw entityNotFound(pathOf(target));
          return subscriptionToEntry(target.topic)(info);
        }
        case 'rule': {
          const info = port.rule(target.topic, target.subscription, target.name);
          if (!info) throw entityNotFound(pathOf(target));
          return ruleToEntry(target.topic, target.subscription)(info);
        }
        default:
          return undefined;
      }
    },

    list(target) {
      switch (target.kind) {
        case 'queues':
          return listingOf(target, port.queues(), queueToEntry);
        case 'topics':
          return listingOf(target, port.topics(), topicEntry);
        case 'subscriptions':
          return listingOf(target, port.subscriptions(target.topic), subscriptionToEntry(target.topic));
        case 'rules': {
          const { topic, subscription } = target;
          return listingOf(target, port.rules(topic, subscription), ruleToEntry(topic, subscription));
        }
        default:
          return undefined;
      }
    },

    async create(target, description) {
      switch (target.kind) {
        case 'entity':
          return createEntity(target, description);
        case 'subscription': {
          expectRoot(description, 'SubscriptionDescription');
          const definition = readNewSubscription(target.name, description);
          return subscriptionToEntry(target.topic)(
            settled(await port.createSubscription(target.topic, definition), target),
          );
        }
        case 'rule': {
          expectRoot(description, 'RuleDescription');
          const rule = { ...readRule(target.name, description), name: target.name };
          const outcome = await port.createRule(target.topic, target.subscription, rule);
          return ruleToEntry(target.topic, target.subscription)(settled(outcome, target));
        }
        default:
          throw notChangeable(pathOf(target));
      }
    },

    async update(target, description) {
      switch (target.kind) {
        case 'entity':
          return updateEntity(target, description);
        case 'subscription': {
          expectRoot(description, 'SubscriptionDescription');
          const existing = port.subscription(target.topic, target.name)?.definition;
          if (!existing) throw entityNotFound(pathOf(target));
          const settings = readSubscription(existing.name, description, existing);
          return subscriptionToEntry(target.topic)(
            settled(await port.updateSubscription(target.topic, settings), target),
          );
        }
        case 'rule': {
          expectRoot(description, 'RuleDescription');
          const rule = { ...readRule(target.name, description), name: target.name };
          const outcome = await port.updateRule(target.topic, target.subscription, rule);
          return ruleToEntry(target.topic, target.subscription)(settled(outcome, target));
        }
        default:
          throw notChangeable(pathOf(target));
      }
    },

    async remove(target) {
      switch (target.kind) {
        case 'entity': {
          const outcome = await port.deleteQueue(target.name);
          return removed(outcome.kind === 'deleted' ? outcome : await port.deleteTopic(target.name), target);
        }
        case 'subscription':
          return removed(await port.deleteSubscription(target.topic, target.name), target);
        case 'rule':
          return removed(await port.deleteRule(target.topic, target.subscription, target.name), target);
        default:
          throw notChangeable(pathOf(target));
      }
    },
  };
}

/** The operations on one target alone. */
export const resourceAt = (resources: Resources, target: Target): Resource => ({
  get: () => resources.get(target),
  list: () => resources.list(target),
  create: (description) => resources.create(target, description),
  update: (description) => resources.update(target, description),
  remove: () => resources.remove(target),
});
