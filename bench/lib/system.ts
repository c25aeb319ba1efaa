import type { LiveFigures } from '../../src/shared/live.js';
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

export interface Live {
  /** URLs of the gateway and of the admin port. */
  readonly gateway: string;
  readonly admin: string;
  /** The figure of visitors in `GET /api/live`. */
  visitors(): Promise<number>;
}

/** All that it takes from a POST to a live figure. */
export async function startLive(parts: Parts): Promise<Live> {
  const [broker, stores] = await Promise.all([startBroker(parts), startStores(parts)]);
  const env = { ...broker, ...stores };
  const [gateway, { url: admin = '' }] = await Promise.all([
    startGateway(parts, env),
    parts.role(['dashboard'], env),
    parts.role(['aggregate'], env),
  ]);
  return {
    gateway,
    admin,
    visitors: async () => ((await (await fetch(`${admin}/api/live`)).json()) as LiveFigures).visitors.total,
  };
}
