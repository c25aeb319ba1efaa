/**
 * Every environment variable that Penstock reads, and where it lands in the configuration. `json` values are parsed
 * as JSON, `integer` ones as whole numbers; the schema then judges them like any other value.
 */
export interface EnvironmentVariable {
  readonly name: string;
  readonly path: readonly string[];
  readonly type: 'string' | 'integer' | 'json';
}

const variable = (name: string, path: string, type: EnvironmentVariable['type'] = 'string'): EnvironmentVariable => ({
  name: `PENSTOCK_${name}`,
  path: path.split('.'),
  type,
});

export const environmentVariables: readonly EnvironmentVariable[] = [
  variable('DATA_DIR', 'dataDir'),
  variable('LOG_LEVEL', 'logLevel'),
  variable('HOST', 'gateway.host'),
  variable('PORT', 'gateway.port', 'integer'),
  variable('WORKERS', 'gateway.workers', 'integer'),
  variable('SOURCES', 'gateway.sources', 'json'),
  variable('TRUSTED_PROXIES', 'gateway.trustedProxies', 'json'),
  variable('ERASE_LIST', 'gateway.eraseList'),
  variable('COUNTRY_DATABASE', 'gateway.countryDatabase'),
  variable('ROUTES', 'gateway.routes', 'json'),
  variable('LIMITS', 'gateway.limits', 'json'),
  variable('HTTP', 'gateway.http', 'json'),
  variable('TLS_CERT', 'gateway.tls.cert'),
  variable('TLS_KEY', 'gateway.tls.key'),
  variable('HOT_VISITORS', 'gateway.hotVisitors', 'json'),
  variable('SPOOL', 'gateway.spool', 'json'),
  variable('RECALL', 'gateway.recall', 'json'),
  variable('PACKING', 'gateway.packing', 'json'),
  variable('ADMIN_HOST', 'admin.host'),
  variable('ADMIN_PORT', 'admin.port', 'integer'),
  variable('ADMIN_TOKEN', 'admin.token'),
  variable('BROKER_HOST', 'broker.host'),
  variable('BROKER_PORT', 'broker.port', 'integer'),
  variable('BROKER_TEMPLATE', 'broker.template'),
  variable('BROKER_PARTITION_MAX_BYTES', 'broker.partitionMaxBytes', 'integer'),
  variable('BROKER_MIN_FREE_BYTES', 'broker.minFreeBytes', 'integer'),
  variable('SERVICEBUS_CONNECTION_STRING', 'serviceBus.connectionString'),
  variable('SERVICEBUS_NAMESPACE', 'serviceBus.namespace'),
  variable('SERVICEBUS_TOPIC', 'serviceBus.topic'),
  variable('EVENTHUBS_CONNECTION_STRING', 'eventHubs.connectionString'),
  variable('EVENTHUBS_NAMESPACE', 'eventHubs.namespace'),
  variable('EVENTHUBS_HUB', 'eventHubs.hub'),
  variable('STORAGE_CONNECTION_STRING', 'storage.connectionString'),
  variable('STORAGE_ACCOUNT', 'storage.account'),
  variable('STORAGE_CHECKPOINT_CONTAINER', 'storage.checkpointContainer'),
  variable('AGGREGATOR_LEASE', 'aggregators.lease', 'json'),
  variable('AGGREGATOR_SNAPSHOT_INTERVAL_MS', 'aggregators.snapshotIntervalMs', 'integer'),
  variable('AGGREGATOR_REMEMBERED_IDS', 'aggregators.rememberedIds', 'integer'),
  variable('REDIS_URL', 'redis.url'),
  variable('BEHAVIOURS', 'behaviours', 'json'),
  variable('RETENTION_WEBHOOK_URL', 'retentionCampaign.webhookUrl'),
  variable('RETENTION_TIMEOUT_MS', 'retentionCampaign.timeoutMs', 'integer'),
];

const known: ReadonlySet<string> = new Set(['PENSTOCK_CONFIG', ...environmentVariables.map(({ name }) => name)]);

/** What a variable would be called by its place in the file: `PENSTOCK_GATEWAY_ERASE_LIST` of `gateway.eraseList`. */
const byPath: ReadonlyMap<string, string> = new Map(
  environmentVariables.map(({ name, path }) => [`PENSTOCK_${path.map(inCapitals).join('_')}`, name]),
);

function inCapitals(key: string): string {
  return key.replace(/[A-Z]/g, '_$&').toUpperCase();
}

/** What Kubernetes tells every process of a service, which may be called `penstock-gateway`. */
const KUBERNETES_LINK = /^tcp:\/\//;

/**
 * The variable that was meant by a name that is none: a letter too many, too few, wrong, or two that changed places; or
 * it is named by the key in the file.
 */
export function intendedVariable(name: string, value: string | undefined): string | undefined {
  if (!name.startsWith('PENSTOCK_') || known.has(name)) return undefined;
  const slip = [...known].find((candidate) => isOneSlip(name, candidate));
  return slip ?? (KUBERNETES_LINK.test(value ?? '') ? undefined : byPath.get(name));
}

function isOneSlip(a: string, b: string): boolean {
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < shorter - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  const differs = a.slice(start, a.length - end);
  const wanted = b.slice(start, b.length - end);
  const swapped = differs.length === 2 && `${differs[1]}${differs[0]}` === wanted;
  return swapped || (differs.length <= 1 && wanted.length <= 1);
}
