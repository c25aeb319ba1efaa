import { PANE_MS } from '../../shared/live-keys.js';
import { type Hash64, sipHash } from '../../shared/siphash.js';
import type { Observation } from '../metrics/define.js';
import type { AggregatorOptions } from '../options.js';
import type { Seed } from './id-history.js';
import { createVisitors, type SavedVisitors, type Visitors } from './visitors.js';

/** Events as visits of those whom they name. */
export interface Visits extends Pick<Visitors, 'evict' | 'save'> {
  /** Tells the observation what of its visitor's coming is new. Returns who it was, which is valid until the next call. */
  note(visitor: string, observation: Observation): Hash64;
}

export function createVisits(
  { maxVisitors, allowedLatenessMs }: Pick<AggregatorOptions, 'maxVisitors' | 'allowedLatenessMs'>,
  seed: Seed,
  saved?: SavedVisitors,
): Visits {
  const visitors = createVisitors({ maxVisitors, lookBackMs: allowedLatenessMs }, saved);
  const key: Hash64 = { high: 0, low: 0 };
  return {
    note(visitor, observation) {
      const { high, low } = sipHash(visitor, seed[0], seed[1]);
      key.high = high;
      key.low = low;
      const paneMs = observation.timeMs - (observation.timeMs % PANE_MS);
      observation.visit = visitors.visit(key, paneMs, observation.event.data.context?.device ?? 'other');
      return key;
    },
    evict: visitors.evict,
    save: visitors.save,
  };
}
