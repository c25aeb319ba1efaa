import type { Cluster, Redis } from 'ioredis';
import { messageOf } from '../../shared/errors.js';
import { CATALOGUE_KEY } from '../../shared/live-keys.js';
import type { Logger } from '../../shared/logger.js';
import { descriptions } from '../metrics/index.js';

/** The descriptions of the metrics, from which readers learn what there is. The newest aggregator's word holds. */
export interface Catalogue {
  announce(): Promise<void>;
  /** Announces them where they are not known to be there. Never rejects: it is tried again with the next write. */
  ensure(): void;
  /** They may not be there any more. */
  lost(): void;
}

export function createCatalogue(redis: Redis | Cluster, logger: Logger, explain: (error: unknown) => never): Catalogue {
  let announced = false;
  let toldOfFailure = false;
  const announce = async () => {
    const entries = descriptions.map((description) => [description.name, JSON.stringify(description)] as const);
    await redis.multi().del(CATALOGUE_KEY).hset(CATALOGUE_KEY, new Map(entries)).exec();
    announced = true;
    toldOfFailure = false;
  };
  const ensure = () => {
    if (announced) return;
    announce()
      .catch(explain)
      .catch((error: unknown) => {
        if (!toldOfFailure) logger.warn({ err: messageOf(error) }, 'the metrics could not be announced; trying again');
        toldOfFailure = true;
      });
  };
  return {
    announce,
    ensure,
    lost() {
      announced = false;
      ensure();
    },
  };
}
