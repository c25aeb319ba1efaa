import type { Cluster, Redis } from 'ioredis';
import { messageOf } from '../../shared/errors.js';
import type { Logger } from '../../shared/logger.js';
import { AggregatorError } from '../errors.js';

/** The only policy under which Redis keeps what it has taken. */
const KEEPS_ALL = 'noeviction';

/**
 * Says once what keeps Redis from being used, until it is there again, and that it is one that evicts. Returns what says
 * of a failed command why it failed.
 */
export function tellTrouble(redis: Redis | Cluster, logger: Logger): (error: unknown) => never {
  const told = new Set<string>();
  let latest: string | undefined;
  let toldPolicy: string | undefined;
  redis.on('error', (error: unknown) => {
    latest = messageOf(error);
    if (!told.has(latest)) logger.warn({ err: latest }, 'Redis cannot be used');
    told.add(latest);
  });
  redis.on('ready', () => {
    latest = undefined;
    told.clear();
    void tellPolicy();
  });
  const tellPolicy = async () => {
    // Who may not ask is not told.
    const memory = await redis.info('memory').catch(() => '');
    const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1];
    if (policy === undefined || policy === toldPolicy) return;
    toldPolicy = policy;
    if (policy === KEEPS_ALL) return;
    logger.warn({ policy }, `Redis may evict figures: its maxmemory-policy has to be ${KEEPS_ALL}`);
  };
  return (error) => {
    const why = redis.status === 'ready' ? refusalOf(error) : (latest ?? 'it is away');
    throw new AggregatorError('PS_SINK_UNAVAILABLE', `Redis: ${why}`, { cause: error });
  };
}

/** Of a transaction that was discarded, why. */
function refusalOf(error: unknown): string {
  const [first] = (error as { previousErrors?: readonly unknown[] }).previousErrors ?? [];
  return messageOf(first ?? error);
}
