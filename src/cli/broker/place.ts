import type { BrokerStatus } from '../../broker/index.js';
import type { MessageSource } from '../../messaging/index.js';
import { BrokerCommandError } from './errors.js';

/** What the text on the command line names. */
export type Place =
  | { readonly kind: 'messages'; readonly source: MessageSource }
  | { readonly kind: 'partition'; readonly hub: string; readonly partitionId: string };

const wrong = (message: string) => new BrokerCommandError('PS_BROKER_ENTITY', message);
const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
const oneOf = <T extends { readonly name: string }>(items: readonly T[], name: string) =>
  items.find((item) => same(item.name, name));

const subscription = (topic: string, name: string): Place => ({
  kind: 'messages',
  source: { topic, subscription: name },
});

/**
 * `queue`, `topic/subscription` or `hub/partition`, also with `/Subscriptions/` and `/Partitions/` in between. Names may
 * hold slashes, so that what is there decides where it is known.
 * @throws BrokerCommandError PS_BROKER_ENTITY
 */
export function parsePlace(text: string, known?: BrokerStatus): Place {
  const written = /^(.+)\/(subscriptions|partitions)\/([^/]+)$/i.exec(text);
  const [, head = '', kind = '', tail = ''] = written ?? /^(.+)(\/)([^/]+)$/.exec(text) ?? [];
  if (known !== undefined) return placeIn(known, text, head, tail);
  if (kind.toLowerCase() === 'partitions') return { kind: 'partition', hub: head, partitionId: tail };
  return tail === '' ? { kind: 'messages', source: { queue: text } } : subscription(head, tail);
}

function placeIn({ queues, topics, hubs }: BrokerStatus, text: string, head: string, tail: string): Place {
  if (oneOf(queues, text)) return { kind: 'messages', source: { queue: text } };
  if (oneOf(oneOf(topics, head)?.subscriptions ?? [], tail)) return subscription(head, tail);
  if (oneOf(hubs, head)?.partitions.some(({ id }) => id === tail))
    return { kind: 'partition', hub: head, partitionId: tail };
  const topic = oneOf(topics, text) ?? oneOf(topics, head);
  if (topic) {
    const names = topic.subscriptions.map(({ name }) => `${topic.name}/${name}`);
    throw wrong(`name one of the subscriptions of the topic ${topic.name}: ${names.join(', ') || 'it has none'}`);
  }
  const hub = oneOf(hubs, text) ?? oneOf(hubs, head);
  if (hub)
    throw wrong(`name a partition of the hub ${hub.name}: ${hub.name}/0 to ${hub.name}/${hub.partitions.length - 1}`);
  throw wrong(`there is no queue, subscription or hub named ${text}`);
}

/** @throws BrokerCommandError PS_BROKER_ENTITY for a partition: nothing is taken out of a log */
export function messagesOnly(place: Place): MessageSource {
  if (place.kind === 'messages') return place.source;
  throw wrong(`${place.hub} is an event hub: its events stay until its retention time is over`);
}
