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

const LONGEST_RETRY_MS = 2_000;
const READ_ONLY_RETRY_MS = 1_000;

/**
 * Leaves a server that has become a replica without closing its connections: behind the same name there is another by
 * now, or soon. In a cluster such a server sends its clients on by itself.
 */
function leaveReplicas() {
  let isReadOnly = false;
  return {
    reconnectOnError({ message }: Error): boolean {
      // A script of an older Redis has it in the middle of its error.
      isReadOnly ||= message.includes('READONLY ');
      return isReadOnly;
    },
    /** Also when the same server is found again: its connection is no sign that it is well. */
    retryStrategy(attempt: number): number {
      const waitMs = isReadOnly ? READ_ONLY_RETRY_MS : Math.min(50 * attempt, LONGEST_RETRY_MS);
      isReadOnly = false;
      return waitMs;
    },
  };
}

/** A connection for writing, to one server or to a Redis Cluster. */
export function connectSinkRedis(url: string): Redis | Cluster {
  const address = parseRedisUrl(url);
  if (address?.clusterNodes === undefined) {
    return new Redis(url, { ...options, ...leaveReplicas(), enableOfflineQueue: false });
  }
  return new Cluster([...address.clusterNodes], {
    enableOfflineQueue: false,
    redisOptions: { ...options, ...loginOf(address) },
  });
}

/** Calls back when a server may have lost what it had: after each connection but the first, and when a node went away. */
export function onReconnected(redis: Redis | Cluster, callback: () => void): void {
  let connected = false;
  redis.on('ready', () => {
    if (connected) callback();
    connected = true;
  });
  if (!(redis instanceof Cluster)) return;
  // A node that went away: the replica that takes its place may lack the newest writes, and nobody tells when it does. One
  // that came back, or another in its place. Both also while the whole is closed.
  for (const change of ['-node', '+node']) redis.on(change, () => redis.status === 'ready' && callback());
}

/** Rejects after `limitMs`. */
export async function untilReady(redis: Redis | Cluster, limitMs: number): Promise<void> {
  if (redis.status === 'ready') return;
  const signal = AbortSignal.timeout(limitMs);
  await new Promise<void>((resolve, reject) => {
    redis.once('ready', resolve);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
