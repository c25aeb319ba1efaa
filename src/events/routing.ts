/** Where an event goes: one message to a topic, or packed into a hub. */
export interface Destination {
  readonly kind: 'topic' | 'hub';
  readonly name: string;
}

/** `topic:NAME` or `hub:NAME`, by event type; `*` is every type. */
export interface RoutingRule {
  readonly match: { readonly type: string };
  readonly to: string;
}

export interface Router {
  /** The destination of the first rule that matches; undefined when none does. */
  route(type: string): Destination | undefined;
  /** Every destination that some rule names, each once. */
  readonly destinations: readonly Destination[];
}

/** Rules are looked up by type: the first that names it, unless a `*` stands before. */
export function createRouter(rules: readonly RoutingRule[]): Router {
  const destinations = new Map<string, Destination>();
  const byType = new Map<string, Destination>();
  let anyType: Destination | undefined;
  for (const { match, to } of rules) {
    const destination = destinations.get(to) ?? parseDestination(to);
    destinations.set(to, destination);
    if (anyType !== undefined) continue;
    if (match.type === '*') anyType = destination;
    else if (!byType.has(match.type)) byType.set(match.type, destination);
  }
  return {
    route: (type) => byType.get(type) ?? anyType,
    destinations: [...destinations.values()],
  };
}

function parseDestination(to: string): Destination {
  const colon = to.indexOf(':');
  return { kind: to.slice(0, colon) === 'topic' ? 'topic' : 'hub', name: to.slice(colon + 1) };
}

interface Who {
  readonly anonymousId?: string | undefined;
  readonly userId?: string | undefined;
}

/** What an event's partition is computed from: its visitor, whose events stay in order there; the event itself where it names nobody. */
export const partitionKeyOf = ({ anonymousId, userId }: Who, eventId: string): string =>
  anonymousId ?? userId ?? eventId;
