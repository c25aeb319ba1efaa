import type { Entry } from './atom.js';
import { queueEntry } from './descriptions/queue.js';
import { topicEntry } from './descriptions/topic.js';
import { createEntityResource, type EntityOptions } from './entity-resource.js';
import type { NamespacePort, QueueInfo } from './namespace-port.js';
import { listingOf, type Resource, readOnly } from './resource.js';
import { createRuleResource, rulesPath, ruleToEntry } from './rule-resource.js';
import { createSubscriptionResource, subscriptionToEntry } from './subscription-resource.js';
import type { Target } from './target.js';
import { field, timeField } from './xml.js';

export interface BusResourceOptions extends EntityOptions {
  readonly namespaceName: string;
}

const NAMESPACE_PATH = '$namespaceinfo';

const namespaceEntry = ({ createdAtMs }: NamespacePort, namespaceName: string): Entry => ({
  path: NAMESPACE_PATH,
  title: namespaceName,
  createdAtMs,
  updatedAtMs: createdAtMs,
  root: 'NamespaceInfo',
  fields: [
    timeField('CreatedTime', createdAtMs),
    field('MessagingSKU', 'Standard'),
    timeField('ModifiedTime', createdAtMs),
    field('Name', namespaceName),
    field('NamespaceType', 'Messaging'),
  ],
});

/** The parts of Service Bus over the management API: the namespace, queues, topics, subscriptions, rules, and lists of them. */
export function createBusResource(port: NamespacePort, target: Target, options: BusResourceOptions): Resource {
  const { host, namespaceName } = options;
  switch (target.kind) {
    case 'namespace':
      return readOnly(NAMESPACE_PATH, { get: () => namespaceEntry(port, namespaceName) });
    case 'queues': {
      const path = '$Resources/Queues';
      const toEntry = (info: QueueInfo) => queueEntry(info, host);
      return readOnly(path, { list: () => listingOf(path, port.queues(), toEntry) });
    }
    case 'topics': {
      const path = '$Resources/Topics';
      return readOnly(path, { list: () => listingOf(path, port.topics(), topicEntry) });
    }
    case 'entity':
      return createEntityResource(port, target.name, options);
    case 'subscriptions': {
      const path = `${target.topic}/Subscriptions`;
      const toEntry = subscriptionToEntry(port, target.topic, host);
      return readOnly(path, { list: () => listingOf(path, port.subscriptions(target.topic), toEntry) });
    }
    case 'subscription':
      return createSubscriptionResource(port, target, host);
    case 'rules': {
      const { topic, subscription } = target;
      const path = rulesPath(topic, subscription);
      const toEntry = ruleToEntry(port, topic, subscription);
      return readOnly(path, { list: () => listingOf(path, port.rules(topic, subscription), toEntry) });
    }
    case 'rule':
      return createRuleResource(port, target);
  }
}
