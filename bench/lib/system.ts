import type { Parts } from './parts.js';

/** What the roles find each other by. */
export type Environment = Readonly<Record<string, string>>;

export async function startBroker(parts: Parts): Promise<Environment> {
  const { connectionString = '' } = await parts.role(['broker']);
  return {
    PENSTOCK_SERVICEBUS_CONNECTION_STRING: connectionString,
    PENSTOCK_EVENTHUBS_CONNECTION_STRING: connectionString,
  };
}

/** Redis and Azurite, which the aggregators and the dashboard need beside the broker. */
export async function startStores(parts: Parts): Promise<Environment> {
  const [redis, storage] = await Promise.all([parts.redis(), parts.azurite()]);
  return { PENSTOCK_REDIS_URL: redis, PENSTOCK_STORAGE_CONNECTION_STRING: storage };
}

/** @returns the gateway's URL */
export async function startGateway(parts: Parts, broker: Environment): Promise<string> {
  return (await parts.role(['gateway'], broker))['url'] ?? '';
}
