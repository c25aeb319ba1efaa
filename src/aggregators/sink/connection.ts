import { Cluster, Redis } from 'ioredis';
import { loginOf, parseRedisUrl } from '../../shared/redis-address.js';

const COMMAND_TIMEOUT_MS = 10_000;

/** Nothing is queued and nothing sent twice by itself: what is not written is written later as a whole. */
const options = {
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  commandTimeout: COMMAND_TIMEOUT_MS,
  connectionName: 'penstock-aggregators',
} as const;

/** A connection for writing, to one server or to a Redis Cluster. */
export function connectSinkRedis(url: string): Redis | Cluster {
  const address = parseRedisUrl(url);
  if (address?.clusterNodes === undefined) return new Redis(url, { ...options, enableOfflineQueue: false });
  return new Cluster([...address.clusterNodes], {
    enableOfflineQueue: false,
    redisOptions: { ...options, ...loginOf(address) },
  });
}

/** Calls back when a server may have lost what it had: after each connection but the first. */
export function onReconnected(redis: Redis | Cluster, callback: () => void): void {
  let connected = false;
  redis.on('ready', () => {
    if (connected) callback();
    connected = true;
  });
  // A node of a cluster that went away and came back, or another in its place.
  if (redis instanceof Cluster) redis.on('+node', () => connected && callback());
}
