import type { CancelTimer } from '../../shared/clock.js';
import type { OutletDeps } from './outlet.js';

/** What a hub takes, as it was seen last: with it events find their partition while the hub is away. */
export interface HubFacts {
  readonly partitionCount: number;
  readonly maxBatchBytes: number;
}

/** How long a disk that did not take them is left alone. */
const RETRY_MS = 5_000;

/** Writes down what a hub takes, so that the next start knows it while the hub is away. Without a spool it keeps nothing. */
export function createFactsKeeper(name: string, { spool, clock }: Pick<OutletDeps, 'spool' | 'clock'>) {
  let written = '';
  let newest = '';
  let cancelRetry: CancelTimer | undefined;
  const write = async (): Promise<void> => {
    cancelRetry?.();
    const text = newest;
    if (spool === undefined || text === written) return;
    try {
      await spool.remember(name, Buffer.from(text));
      written = text;
    } catch {
      cancelRetry = clock.setTimer(() => void write(), RETRY_MS);
    }
  };
  return {
    async recall(): Promise<HubFacts | undefined> {
      const known = await spool?.recall(name);
      if (known === undefined) return undefined;
      written = known.toString('utf8');
      return JSON.parse(written) as HubFacts;
    },
    keep({ partitionCount, maxBatchBytes }: HubFacts): Promise<void> {
      newest = JSON.stringify({ partitionCount, maxBatchBytes });
      return write();
    },
    close: () => cancelRetry?.(),
  };
}
