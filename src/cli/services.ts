import type { ServiceAccess, StorageAccess } from '../messaging/index.js';
import { type Config, ConfigError } from '../shared/config/index.js';

/** How the configured services are reached. Each throws ConfigError PS_CONFIG_MISSING where nothing says how. */

export function hubAccess(config: Config): ServiceAccess {
  return serviceAccess(config.eventHubs, 'PENSTOCK_EVENTHUBS');
}

export function topicAccess(config: Config): ServiceAccess {
  return serviceAccess(config.serviceBus, 'PENSTOCK_SERVICEBUS');
}

function serviceAccess({ connectionString, namespace }: Config['eventHubs' | 'serviceBus'], variables: string) {
  if (connectionString !== undefined) return { connectionString };
  if (namespace !== undefined) return { namespace };
  throw missing(`${variables}_CONNECTION_STRING or ${variables}_NAMESPACE`);
}

export function storageAccess(config: Pick<Config, 'storage'>): StorageAccess {
  const { connectionString, account } = config.storage;
  if (connectionString !== undefined) return { connectionString };
  if (account !== undefined) return { account };
  throw missing('PENSTOCK_STORAGE_CONNECTION_STRING or PENSTOCK_STORAGE_ACCOUNT');
}

export function redisUrl(config: Config): string {
  if (config.redis.url !== undefined) return config.redis.url;
  throw missing('PENSTOCK_REDIS_URL');
}

/** The fully qualified namespace, without a port: what the SDK names checkpoints by. */
export function namespaceOf(access: ServiceAccess): string {
  if ('namespace' in access) return access.namespace.toLowerCase();
  const host = /Endpoint=[a-z]+:\/\/([^:/;]+)/i.exec(access.connectionString)?.[1];
  return (host ?? 'unknown').toLowerCase();
}

const missing = (names: string) => new ConfigError('PS_CONFIG_MISSING', `set ${names}`);
