import { Cluster, Redis } from 'ioredis';
import { loginOf, parseRedisUrl } from '../../shared/redis-address.js';

export type LiveRedis = Redis | Cluster;

const COMMAND_TIMEOUT_MS = 5_000;

/** A connection for reading live figures: it reconnects by itself, and a read fails at once while it is away. */
export function connectLiveRedis(url: string, onError: (error: Error) => void = () => {}): LiveRedis {
  const address = parseRedisUrl(url);
  const options = { commandTimeout: COMMAND_TIMEOUT_MS, maxRetriesPerRequest: 1, connectionName: 'penstock-query' };
  const redis =
    address?.clusterNodes === undefined
      ? new Redis(url, options)
      : new Cluster([...address.clusterNodes], { redisOptions: { ...options, ...loginOf(address) } });
  redis.on('error', onError);
  return redis;
}

/** A connection of its own for announcements, which it waits for as long as it takes. */
export function connectAnnouncements(redis: LiveRedis): LiveRedis {
  const options = { maxRetriesPerRequest: null, connectionName: 'penstock-query-announcements' };
  return redis instanceof Cluster ? redis.duplicate() : redis.duplicate(options);
}
