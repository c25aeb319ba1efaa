import type { Entry } from './atom.js';
import { readNewSubscription, readSubscription, subscriptionEntry } from './descriptions/subscription.js';
import { entityNotFound } from './errors.js';
import type { NamespacePort, SubscriptionInfo } from './namespace-port.js';
import { deleted, expectRoot, type Resource, settled } from './resource.js';

export const subscriptionPath = (topic: string, name: string): string => `${topic}/Subscriptions/${name}`;

/** The entry of a subscription, with the name of its topic as that was made. */
export const subscriptionToEntry =
  (port: Pick<NamespacePort, 'topic'>, topic: string, host: string) =>
  (info: SubscriptionInfo): Entry =>
    subscriptionEntry(port.topic(topic)?.definition.name ?? topic, info, host);

/** @param host host and port as the client wrote them; forwarding targets are shown as URLs of it */
export function createSubscriptionResource(
  port: NamespacePort,
  { topic, name }: { readonly topic: string; readonly name: string },
  host: string,
): Resource {
  const path = subscriptionPath(topic, name);
  const toEntry = subscriptionToEntry(port, topic, host);

  function existing(): SubscriptionInfo {
    const info = port.subscription(topic, name);
    if (!info) throw entityNotFound(path);
    return info;
  }

  return {
    get: () => toEntry(existing()),
    list: () => undefined,

    async create(description) {
      expectRoot(description, 'SubscriptionDescription');
      const outcome = await port.createSubscription(topic, readNewSubscription(name, description));
      return toEntry(settled<SubscriptionInfo>(outcome, path));
    },

    async update(description) {
      expectRoot(description, 'SubscriptionDescription');
      const { definition } = existing();
      const settings = readSubscription(definition.name, description, definition);
      return toEntry(settled<SubscriptionInfo>(await port.updateSubscription(topic, settings), path));
    },

    remove: async () => deleted(await port.deleteSubscription(topic, name), path),
  };
}
