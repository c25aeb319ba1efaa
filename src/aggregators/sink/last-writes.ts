import type { Cluster, Redis } from 'ioredis';
import { ownersKey, reachedField } from '../../shared/live-keys.js';
import { all } from './all.js';
import type { Owner } from './owner.js';

/** The last write of each partition to each metric that was answered: where it is not there any more, more is lost. */
export interface LastWrites {
  /** Its sequence number; undefined where this owner has written nothing yet. */
  of(owner: Owner, metric: string): number | undefined;
  answered(owner: Owner, metric: string, sequenceNumber: number): void;
  /** Everything is written again. */
  forget(): void;
  /** Asks whether the claim of the owner, and its last writes, are there. */
  areThere(owner: Owner, metrics: readonly string[]): Promise<boolean>;
}

export function createLastWrites(redis: Redis | Cluster): LastWrites {
  const writes = new Map<string, { readonly epoch: number; readonly sequenceNumber: number }>();
  const idOf = ({ partition }: Owner, metric: string) => `${metric}/${partition}`;
  const of = (owner: Owner, metric: string) => {
    const last = writes.get(idOf(owner, metric));
    return last?.epoch === owner.epoch ? last.sequenceNumber : undefined;
  };
  const isThere = async (owner: Owner, metric: string): Promise<boolean> => {
    const last = of(owner, metric) ?? -1;
    const fields = [owner.partition, reachedField(owner.partition)];
    const [epoch, reached] = await all(fields.map((field) => redis.hget(ownersKey(metric), field)));
    // What a later owner makes of it is its own affair.
    return Number(epoch) > owner.epoch || (Number(epoch) === owner.epoch && Number(reached ?? -1) >= last);
  };
  return {
    of,
    answered(owner, metric, sequenceNumber) {
      writes.set(idOf(owner, metric), { epoch: owner.epoch, sequenceNumber });
    },
    forget: () => writes.clear(),
    async areThere(owner, metrics) {
      const found = await all(metrics.map((metric) => isThere(owner, metric)));
      return found.every((isFound) => isFound);
    },
  };
}
