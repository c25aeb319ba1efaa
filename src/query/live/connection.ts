import { Redis } from 'ioredis';

export type LiveRedis = Redis;

const COMMAND_TIMEOUT_MS = 5_000;

/** A connection for reading live figures: it reconnects by itself, and a read fails at once while it is away. */
export function connectLiveRedis(url: string, onError: (error: Error) => void = () => {}): LiveRedis {
  const redis = new Redis(url, {
    commandTimeout: COMMAND_TIMEOUT_MS,
    maxRetriesPerRequest: 1,
    connectionName: 'penstock-query',
  });
  redis.on('error', onError);
  return redis;
}
