import { readCapture } from './capture.js';
import { parseDuration } from './duration.js';
import { errorAt, type TopologyError } from './errors.js';
import { isObject, type Json, type JsonObject, kindOf, pathTo } from './json.js';
import type { ParameterValues } from './template/parameters.js';
import { type EvaluatedResource, evaluateTemplate } from './template/template.js';
import type {
  CorrelationFilter,
  DeclaredAuthorizationRule,
  DuplicateDetection,
  EntitySettings,
  EntityStatus,
  HubDefinition,
  IntakeSettings,
  QueueDefinition,
  QueueSettings,
  RuleDefinition,
  RuleFilter,
  SubscriptionDefinition,
  Topology,
} from './types.js';

const HOUR_MS = 3_600_000;

/**
 * The entities that a template deploys into its Service Bus and Event Hubs namespaces. Settings that it leaves out have
 * Azure's defaults, and every subscription has the rule `$Default`, a true filter, unless the template replaces it.
 * @throws TopologyError naming the JSON path
 */
export function topologyFromArm(template: Json, parameters: ParameterValues = {}): Topology {
  const { resources } = evaluateTemplate(template, parameters, (type) => {
    if (type.toLowerCase() === 'microsoft.resources/deployments')
      throw errorAt('$.resources', 'PS_TOPOLOGY_INVALID', 'nested deployments are not read: put the entities inline');
    return /^microsoft\.(?:servicebus|eventhub)\//i.test(type);
  });
  const tree = new ResourceTree(resources);
  return {
    queues: tree.all('Microsoft.ServiceBus/namespaces/queues').map(readQueue),
    topics: tree.all('Microsoft.ServiceBus/namespaces/topics').map((topic) => ({
      name: lastSegment(topic),
      ...readDuplicateDetection(topic),
      ...readEntitySettings(topic),
      ...readIntakeSettings(topic),
      defaultMessageTimeToLiveMs: duration(topic, 'defaultMessageTimeToLive', Infinity),
      subscriptions: tree.children(topic, 'subscriptions').map((one) => readSubscription(one, tree)),
    })),
    hubs: tree.all('Microsoft.EventHub/namespaces/eventhubs').map((hub) => readHub(hub, tree)),
    authorizationRules: AUTHORIZED.flatMap((type) => tree.all(`${type}/authorizationRules`)).map(readAuthorizationRule),
  };
}

/** Finds resources by type and by parent, and refuses children whose parent is not in the template. */
class ResourceTree {
  readonly #resources: readonly EvaluatedResource[];

  constructor(resources: readonly EvaluatedResource[]) {
    this.#resources = resources;
    const known = new Set(resources.map(keyOf));
    for (const resource of resources) {
      const depth = resource.type.split('/').length - 1;
      if (resource.name.split('/').length !== depth)
        throw invalid(resource, `the name ${resource.name} must have ${depth} parts, one for each part of its type`);
      const parent = { type: parentOf(resource.type), name: parentOf(resource.name) };
      const reserved = /\/(?:authorizationRules|networkRuleSets)$/i.test(resource.type);
      if (depth > 2 && !reserved && !known.has(keyOf(parent)))
        throw invalid(resource, `its parent ${parent.name} is not in the template`);
    }
  }

  all(type: string): readonly EvaluatedResource[] {
    return this.#resources.filter((resource) => resource.type.toLowerCase() === type.toLowerCase());
  }

  children(parent: EvaluatedResource, kind: string): readonly EvaluatedResource[] {
    return this.all(`${parent.type}/${kind}`).filter(
      (child) => parentOf(child.name).toLowerCase() === parent.name.toLowerCase(),
    );
  }
}

function readQueue(queue: EvaluatedResource): QueueDefinition {
  return {
    name: lastSegment(queue),
    ...readQueueSettings(queue),
    ...readIntakeSettings(queue),
    ...readDuplicateDetection(queue),
  };
}

function readSubscription(subscription: EvaluatedResource, tree: ResourceTree): SubscriptionDefinition {
  const rules = tree.children(subscription, 'rules').map(readRule);
  const replaced = rules.some((rule) => rule.name.toLowerCase() === '$default');
  return {
    name: lastSegment(subscription),
    ...readQueueSettings(subscription),
    deadLetteringOnFilterEvaluationExceptions: boolean(subscription, 'deadLetteringOnFilterEvaluationExceptions', true),
    rules: replaced ? rules : [{ name: '$Default', filter: { kind: 'true' } }, ...rules],
  };
}

function readQueueSettings(resource: EvaluatedResource): QueueSettings {
  const forwardTo = text(resource, 'forwardTo');
  const forwardDeadLetteredMessagesTo = text(resource, 'forwardDeadLetteredMessagesTo');
  return {
    lockDurationMs: duration(resource, 'lockDuration', 60_000),
    maxDeliveryCount: integer(resource, 'maxDeliveryCount', 10),
    defaultMessageTimeToLiveMs: duration(resource, 'defaultMessageTimeToLive', Infinity),
    deadLetteringOnMessageExpiration: boolean(resource, 'deadLetteringOnMessageExpiration', false),
    requiresSession: boolean(resource, 'requiresSession', false),
    ...readEntitySettings(resource),
    ...(forwardTo === undefined ? {} : { forwardTo }),
    ...(forwardDeadLetteredMessagesTo === undefined ? {} : { forwardDeadLetteredMessagesTo }),
  };
}

const statuses: readonly EntityStatus[] = ['Active', 'Disabled', 'SendDisabled', 'ReceiveDisabled'];

/** What is as the service would have it anyway is left out. */
function readEntitySettings(resource: EvaluatedResource): EntitySettings {
  const status = property<EntityStatus>(resource, 'status', 'Active', `one of ${statuses.join(', ')}`, (value) =>
    statuses.find((known) => known === value),
  );
  const idleMs = duration(resource, 'autoDeleteOnIdle', Infinity);
  return {
    ...(status === 'Active' ? {} : { status }),
    ...(idleMs === Infinity ? {} : { autoDeleteOnIdleMs: idleMs }),
  };
}

function readIntakeSettings(resource: EvaluatedResource): IntakeSettings {
  const maxSizeInMegabytes = integer(resource, 'maxSizeInMegabytes', 1024);
  return {
    ...(maxSizeInMegabytes === 1024 ? {} : { maxSizeInMegabytes }),
    ...(boolean(resource, 'enablePartitioning', false) ? { enablePartitioning: true } : {}),
    ...(boolean(resource, 'enableExpress', false) ? { enableExpress: true } : {}),
  };
}

function readDuplicateDetection(resource: EvaluatedResource): DuplicateDetection {
  return {
    requiresDuplicateDetection: boolean(resource, 'requiresDuplicateDetection', false),
    duplicateDetectionHistoryTimeWindowMs: duration(resource, 'duplicateDetectionHistoryTimeWindow', 600_000),
  };
}

function readRule(rule: EvaluatedResource): RuleDefinition {
  const action = properties(rule)['action'];
  const expression = isObject(action) ? action['sqlExpression'] : undefined;
  return {
    name: lastSegment(rule),
    filter: readFilter(rule),
    ...(typeof expression === 'string' && expression !== '' ? { action: expression } : {}),
  };
}

function readFilter(rule: EvaluatedResource): RuleFilter {
  const { filterType, sqlFilter, correlationFilter } = properties(rule);
  const kind = filterType ?? (correlationFilter === undefined ? 'SqlFilter' : 'CorrelationFilter');
  if (kind === 'CorrelationFilter' && isObject(correlationFilter))
    return { kind: 'correlation', correlation: readCorrelation(correlationFilter, rule) };
  const expression = isObject(sqlFilter) ? sqlFilter['sqlExpression'] : undefined;
  if (kind !== 'SqlFilter' || typeof expression !== 'string')
    throw invalid(rule, 'needs a sqlFilter with a sqlExpression, or a correlationFilter, as filterType says');
  return sqlFilterOf(expression);
}

/** The service writes its true and false filters as `1=1` and `1=0`. */
export function sqlFilterOf(expression: string): RuleFilter {
  const bare = expression.replace(/\s+/g, '');
  if (bare === '1=1') return { kind: 'true' };
  return bare === '1=0' ? { kind: 'false' } : { kind: 'sql', expression };
}

/** What authorization rules can be for. */
const AUTHORIZED = [
  'Microsoft.ServiceBus/namespaces',
  'Microsoft.ServiceBus/namespaces/queues',
  'Microsoft.ServiceBus/namespaces/topics',
  'Microsoft.EventHub/namespaces',
  'Microsoft.EventHub/namespaces/eventhubs',
];
const RIGHTS = ['Listen', 'Send', 'Manage'] as const;

function readAuthorizationRule(rule: EvaluatedResource): DeclaredAuthorizationRule {
  const given = properties(rule)['rights'];
  const rights = RIGHTS.filter((right) => Array.isArray(given) && given.includes(right));
  if (!Array.isArray(given) || given.length === 0 || rights.length !== new Set(given).size) {
    throw invalid(rule, `rights must be some of ${RIGHTS.join(', ')}`);
  }
  if (rights.includes('Manage') && rights.length < RIGHTS.length) {
    throw invalid(rule, 'whoever may Manage must also have Listen and Send');
  }
  const scope = parentOf(rule.name).split('/').slice(1).join('/');
  return { name: lastSegment(rule), scope, rights };
}

const correlationFields = {
  correlationId: 'correlationId',
  messageId: 'messageId',
  to: 'to',
  replyTo: 'replyTo',
  label: 'subject',
  sessionId: 'sessionId',
  replyToSessionId: 'replyToSessionId',
  contentType: 'contentType',
} as const satisfies Record<string, keyof CorrelationFilter>;

function readCorrelation(filter: JsonObject, rule: EvaluatedResource): CorrelationFilter {
  const fields: [string, unknown][] = [];
  for (const [name, field] of Object.entries(correlationFields)) {
    const value = filter[name];
    if (typeof value === 'string') fields.push([field, value]);
    else if (value !== undefined && value !== null) throw invalid(rule, `correlationFilter.${name} must be a string`);
  }
  const custom = filter['properties'];
  if (isObject(custom)) {
    for (const [name, value] of Object.entries(custom))
      if (typeof value !== 'string') throw invalid(rule, `correlationFilter.properties.${name} must be a string`);
    fields.push(['properties', custom]);
  }
  if (fields.length === 0) throw invalid(rule, 'a correlationFilter must compare something');
  return Object.fromEntries(fields) as CorrelationFilter;
}

function readHub(hub: EvaluatedResource, tree: ResourceTree): HubDefinition {
  const retention = properties(hub)['retentionDescription'];
  const hours = isObject(retention) ? retention['retentionTimeInHours'] : undefined;
  const capture = readCapture(properties(hub)['captureDescription'], {
    path: `${hub.path}.properties.captureDescription`,
    namespace: hub.name.slice(0, hub.name.indexOf('/')),
  });
  return {
    name: lastSegment(hub),
    partitionCount: integer(hub, 'partitionCount', 4),
    retentionMs: typeof hours === 'number' ? hours * HOUR_MS : integer(hub, 'messageRetentionInDays', 7) * 24 * HOUR_MS,
    consumerGroups: tree
      .children(hub, 'consumergroups')
      .map(lastSegment)
      .filter((name) => name.toLowerCase() !== '$default'),
    ...(capture === undefined ? {} : { capture }),
  };
}

// --- properties -----------------------------------------------------------------------------------------------------

function properties(resource: EvaluatedResource): JsonObject {
  const found = resource.body['properties'] ?? {};
  if (!isObject(found)) throw errorAt(`${resource.path}.properties`, 'PS_TOPOLOGY_INVALID', 'must be an object');
  return found;
}

/** Reads one property: absent and null are the default, and what `convert` returns undefined for is an error. */
function property<T>(
  resource: EvaluatedResource,
  name: string,
  fallback: T,
  wants: string,
  convert: (value: Json) => T | undefined,
): T {
  const value = properties(resource)[name];
  if (value === undefined || value === null) return fallback;
  const converted = convert(value);
  if (converted !== undefined) return converted;
  const shown = typeof value === 'string' ? JSON.stringify(value) : kindOf(value);
  throw errorAt(pathTo(`${resource.path}.properties`, name), 'PS_TOPOLOGY_INVALID', `must be ${wants}, not ${shown}`);
}

function duration(resource: EvaluatedResource, name: string, fallbackMs: number): number {
  return property(resource, name, fallbackMs, 'an ISO 8601 duration such as PT1M', (value) =>
    typeof value === 'string' ? parseDuration(value) : undefined,
  );
}

function integer(resource: EvaluatedResource, name: string, fallback: number): number {
  return property(resource, name, fallback, 'a whole number', (value) =>
    typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined,
  );
}

function boolean(resource: EvaluatedResource, name: string, fallback: boolean): boolean {
  return property(resource, name, fallback, 'a boolean', (value) => (typeof value === 'boolean' ? value : undefined));
}

function text(resource: EvaluatedResource, name: string): string | undefined {
  return property<string | undefined>(resource, name, undefined, 'a string', (value) =>
    typeof value === 'string' ? value : undefined,
  );
}

// --- names ----------------------------------------------------------------------------------------------------------

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function lastSegment(resource: EvaluatedResource): string {
  return resource.name.slice(resource.name.lastIndexOf('/') + 1);
}

function keyOf(resource: { readonly type: string; readonly name: string }): string {
  return `${resource.type} ${resource.name}`.toLowerCase();
}

function invalid(resource: EvaluatedResource, message: string): TopologyError {
  return errorAt(resource.path, 'PS_TOPOLOGY_INVALID', `${resource.type} ${resource.name}: ${message}`);
}
