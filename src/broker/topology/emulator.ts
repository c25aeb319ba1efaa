import { sqlFilterOf } from './arm.js';
import { parseDuration } from './duration.js';
import { errorAt } from './errors.js';
import { isObject, type Json, type JsonObject, kindOf, lookUp, pathTo } from './json.js';
import type {
  CorrelationFilter,
  DuplicateDetection,
  HubDefinition,
  QueueSettings,
  RuleDefinition,
  SubscriptionDefinition,
  TopicDefinition,
  Topology,
} from './types.js';

/** The emulators keep events for one hour, whatever is asked. */
const RETENTION_MS = 3_600_000;

/** An object of the file, and where it stands. */
interface Node {
  readonly value: JsonObject;
  readonly path: string;
}

/**
 * The entities of a `Config.json` of Microsoft's Service Bus or Event Hubs emulator, with the emulators' defaults.
 * @throws TopologyError PS_TOPOLOGY_INVALID naming the JSON path
 */
export function topologyFromEmulatorConfig(config: Json): Topology {
  const root = asNode(config, '$');
  const user = asNode(lookUp(root.value, 'UserConfig') ?? null, '$.UserConfig');
  const buses = children(user, 'Namespaces');
  return {
    queues: buses.flatMap((bus) =>
      children(bus, 'Queues').map((queue) => ({
        name: nameOf(queue),
        ...queueSettings(settingsOf(queue)),
        maxSizeInMegabytes: MAX_SIZE_IN_MEGABYTES,
        ...duplicateDetection(settingsOf(queue)),
      })),
    ),
    topics: buses.flatMap((bus) => children(bus, 'Topics').map(readTopic)),
    hubs: children(user, 'NamespaceConfig').flatMap((namespace) => children(namespace, 'Entities').map(readHub)),
  };
}

/** The file cannot say a size, and the 100 MB of the emulator are a bound of its own: so it is the largest that there is. */
const MAX_SIZE_IN_MEGABYTES = 81_920;

function readTopic(topic: Node): TopicDefinition {
  const settings = settingsOf(topic);
  return {
    name: nameOf(topic),
    maxSizeInMegabytes: MAX_SIZE_IN_MEGABYTES,
    ...duplicateDetection(settings),
    defaultMessageTimeToLiveMs: duration(settings, 'DefaultMessageTimeToLive', 'PT1H'),
    subscriptions: children(topic, 'Subscriptions').map(readSubscription),
  };
}

function readSubscription(subscription: Node): SubscriptionDefinition {
  const rules = children(subscription, 'Rules').map(readRule);
  return {
    name: nameOf(subscription),
    ...queueSettings(settingsOf(subscription)),
    deadLetteringOnFilterEvaluationExceptions: true,
    // Unlike the service, the emulator gives $Default only to a subscription that lists no rule.
    rules: rules.length > 0 ? rules : [{ name: '$Default', filter: { kind: 'true' } }],
  };
}

function readRule(rule: Node): RuleDefinition {
  const settings = settingsOf(rule);
  const action = lookUp(settings.value, 'Action');
  const actionText = isObject(action) ? lookUp(action, 'SqlExpression') : undefined;
  const named = { name: nameOf(rule), ...(typeof actionText === 'string' ? { action: actionText } : {}) };
  const type = text(settings, 'FilterType', '').toLowerCase();
  if (type === 'correlation') {
    const filter = asNode(lookUp(settings.value, 'CorrelationFilter') ?? null, `${settings.path}.CorrelationFilter`);
    return { ...named, filter: { kind: 'correlation', correlation: readCorrelation(filter) } };
  }
  if (type !== 'sql') throw errorAt(`${settings.path}.FilterType`, 'PS_TOPOLOGY_INVALID', 'must be Correlation or Sql');
  const filter = asNode(lookUp(settings.value, 'SqlFilter') ?? null, `${settings.path}.SqlFilter`);
  return { ...named, filter: sqlFilterOf(text(filter, 'SqlExpression')) };
}

const correlationFields = {
  CorrelationId: 'correlationId',
  MessageId: 'messageId',
  To: 'to',
  ReplyTo: 'replyTo',
  Label: 'subject',
  Subject: 'subject',
  SessionId: 'sessionId',
  ReplyToSessionId: 'replyToSessionId',
  ContentType: 'contentType',
} as const satisfies Record<string, keyof CorrelationFilter>;

function readCorrelation(filter: Node): CorrelationFilter {
  const fields = Object.entries(correlationFields)
    .filter(([key]) => lookUp(filter.value, key) !== undefined)
    .map(([key, field]) => [field, text(filter, key)] as const);
  const custom = lookUp(filter.value, 'Properties');
  if (!isObject(custom)) return Object.fromEntries(fields);
  const node = { value: custom, path: `${filter.path}.Properties` };
  const properties = Object.fromEntries(Object.keys(custom).map((key) => [key, text(node, key)]));
  return { ...Object.fromEntries(fields), properties };
}

function readHub(hub: Node): HubDefinition {
  return {
    name: nameOf(hub),
    partitionCount: integer(hub, 'PartitionCount', 1),
    retentionMs: RETENTION_MS,
    consumerGroups: children(hub, 'ConsumerGroups')
      .map(nameOf)
      .filter((name) => name.toLowerCase() !== '$default'),
  };
}

function queueSettings(settings: Node): QueueSettings {
  const forwards = (['forwardTo', 'forwardDeadLetteredMessagesTo'] as const).flatMap((key) => {
    const target = text(settings, key, '');
    return target === '' ? [] : [[key, target] as const];
  });
  return {
    lockDurationMs: duration(settings, 'LockDuration', 'PT1M'),
    maxDeliveryCount: integer(settings, 'MaxDeliveryCount', 3),
    defaultMessageTimeToLiveMs: duration(settings, 'DefaultMessageTimeToLive', 'PT1H'),
    deadLetteringOnMessageExpiration: boolean(settings, 'DeadLetteringOnMessageExpiration'),
    requiresSession: boolean(settings, 'RequiresSession'),
    ...Object.fromEntries(forwards),
  };
}

function duplicateDetection(settings: Node): DuplicateDetection {
  return {
    requiresDuplicateDetection: boolean(settings, 'RequiresDuplicateDetection'),
    duplicateDetectionHistoryTimeWindowMs: duration(settings, 'DuplicateDetectionHistoryTimeWindow', 'PT20S'),
  };
}

// --- reading --------------------------------------------------------------------------------------------------------

function asNode(value: Json, path: string): Node {
  if (isObject(value)) return { value, path };
  throw errorAt(path, 'PS_TOPOLOGY_INVALID', `must be an object, not ${kindOf(value)}`);
}

function children(node: Node, key: string): readonly Node[] {
  const list = lookUp(node.value, key) ?? [];
  const path = pathTo(node.path, key);
  if (!Array.isArray(list)) throw errorAt(path, 'PS_TOPOLOGY_INVALID', `must be an array, not ${kindOf(list)}`);
  return list.map((item: Json, i) => asNode(item, pathTo(path, i)));
}

function settingsOf(node: Node): Node {
  return asNode(lookUp(node.value, 'Properties') ?? {}, `${node.path}.Properties`);
}

function nameOf(node: Node): string {
  return text(node, 'Name');
}

function fault(node: Node, key: string, wants: string, value: Json | undefined) {
  return errorAt(pathTo(node.path, key), 'PS_TOPOLOGY_INVALID', `must be ${wants}, not ${kindOf(value)}`);
}

function text(node: Node, key: string, fallback?: string): string {
  const value = lookUp(node.value, key) ?? fallback;
  if (typeof value !== 'string') throw fault(node, key, 'a string', value);
  return value;
}

function integer(node: Node, key: string, fallback: number): number {
  const value = lookUp(node.value, key) ?? fallback;
  // The Event Hubs emulator's own example writes its numbers as strings.
  const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw fault(node, key, 'a whole number', value);
  return number;
}

function boolean(node: Node, key: string): boolean {
  const value = lookUp(node.value, key) ?? false;
  if (typeof value !== 'boolean') throw fault(node, key, 'a boolean', value);
  return value;
}

function duration(node: Node, key: string, fallback: string): number {
  const value = text(node, key, fallback);
  const ms = parseDuration(value);
  if (ms === undefined) throw fault(node, key, 'an ISO 8601 duration such as PT1M', value);
  return ms;
}
