import { badRequest } from './errors.js';

/** What a path of the management API names. */
export type Target =
  | { readonly kind: 'namespace' }
  | { readonly kind: 'queues' }
  | { readonly kind: 'topics' }
  /** A queue or a topic: they share their names. */
  | { readonly kind: 'entity'; readonly name: string }
  | { readonly kind: 'subscriptions'; readonly topic: string }
  | { readonly kind: 'subscription'; readonly topic: string; readonly name: string }
  | { readonly kind: 'rules'; readonly topic: string; readonly subscription: string }
  | { readonly kind: 'rule'; readonly topic: string; readonly subscription: string; readonly name: string };

/** What a path names in Event Hubs. */
export type HubTarget =
  | { readonly kind: 'hubs' }
  | { readonly kind: 'hub'; readonly name: string }
  | { readonly kind: 'consumer-groups'; readonly hub: string }
  | { readonly kind: 'consumer-group'; readonly hub: string; readonly name: string }
  | { readonly kind: 'partitions'; readonly hub: string; readonly group: string }
  | { readonly kind: 'partition'; readonly hub: string; readonly group: string; readonly partitionId: string };

function decodedSegments(pathname: string): string[] {
  try {
    return pathname.split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    throw badRequest('The path is not a well-formed URL path.');
  }
}

/** Names of queues and topics may hold slashes; `Subscriptions` and `Rules` end them, in any case. */
export function parseTarget(pathname: string): Target | undefined {
  const segments = decodedSegments(pathname);
  const folded = segments.map((segment) => segment.toLowerCase());
  if (segments.length === 0) return undefined;
  if (folded[0] === '$namespaceinfo') return segments.length === 1 ? { kind: 'namespace' } : undefined;
  if (folded[0] === '$resources') {
    if (segments.length !== 2) return undefined;
    return folded[1] === 'queues' ? { kind: 'queues' } : folded[1] === 'topics' ? { kind: 'topics' } : undefined;
  }
  const at = folded.indexOf('subscriptions', 1);
  if (at < 0) return { kind: 'entity', name: segments.join('/') };
  const topic = segments.slice(0, at).join('/');
  const [subscription, rules, name, ...more] = segments.slice(at + 1);
  if (subscription === undefined) return { kind: 'subscriptions', topic };
  if (rules === undefined) return { kind: 'subscription', topic, name: subscription };
  if (rules.toLowerCase() !== 'rules' || more.length > 0) return undefined;
  return name === undefined ? { kind: 'rules', topic, subscription } : { kind: 'rule', topic, subscription, name };
}

/** Undefined for what can only be of Service Bus; a single name is a hub only if there is one, or one is made. */
export function parseHubTarget(pathname: string): HubTarget | undefined {
  const segments = decodedSegments(pathname);
  const folded = segments.map((segment) => segment.toLowerCase());
  if (folded[0] === '$resources') {
    return segments.length === 2 && folded[1] === 'eventhubs' ? { kind: 'hubs' } : undefined;
  }
  const [name] = segments;
  if (name === undefined) return undefined;
  if (folded[1] !== 'consumergroups') return segments.length === 1 ? { kind: 'hub', name } : undefined;
  const [group, partitions, partitionId, ...more] = segments.slice(2);
  if (group === undefined) return { kind: 'consumer-groups', hub: name };
  if (partitions === undefined) return { kind: 'consumer-group', hub: name, name: group };
  if (partitions.toLowerCase() !== 'partitions' || more.length > 0) return undefined;
  if (partitionId === undefined) return { kind: 'partitions', hub: name, group };
  return { kind: 'partition', hub: name, group, partitionId };
}
