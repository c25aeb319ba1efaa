import type { RuleDefinition } from '../topology/types.js';
import type { Entry } from './atom.js';
import { readRule, ruleEntry } from './descriptions/rule.js';
import { entityNotFound } from './errors.js';
import type { NamespacePort, RuleInfo } from './namespace-port.js';
import { deleted, expectRoot, type Resource, settled } from './resource.js';
import { subscriptionPath } from './subscription-resource.js';
import type { Element } from './xml.js';

export const rulesPath = (topic: string, subscription: string): string =>
  `${subscriptionPath(topic, subscription)}/Rules`;

/** The entry of a rule, with the names of its topic and subscription as those were made. */
export const ruleToEntry =
  (port: Pick<NamespacePort, 'topic' | 'subscription'>, topic: string, subscription: string) =>
  (info: RuleInfo): Entry => {
    const topicName = port.topic(topic)?.definition.name ?? topic;
    return ruleEntry(topicName, port.subscription(topic, subscription)?.definition.name ?? subscription, info);
  };

export function createRuleResource(
  port: NamespacePort,
  { topic, subscription, name }: { readonly topic: string; readonly subscription: string; readonly name: string },
): Resource {
  const path = `${rulesPath(topic, subscription)}/${name}`;
  const toEntry = ruleToEntry(port, topic, subscription);

  function read(description: Element): RuleDefinition {
    expectRoot(description, 'RuleDescription');
    return { ...readRule(name, description), name };
  }

  return {
    get() {
      const info = port.rule(topic, subscription, name);
      if (!info) throw entityNotFound(path);
      return toEntry(info);
    },
    list: () => undefined,
    create: async (description) =>
      toEntry(settled<RuleInfo>(await port.createRule(topic, subscription, read(description)), path)),
    update: async (description) =>
      toEntry(settled<RuleInfo>(await port.updateRule(topic, subscription, read(description)), path)),
    remove: async () => deleted(await port.deleteRule(topic, subscription, name), path),
  };
}
