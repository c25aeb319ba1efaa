import type { PartitionEvent } from '../messaging/index.js';
import type { BehaviourDefinition } from '../shared/config/index.js';
import { readPack } from '../shared/pack.js';
import { type ComputedFigures, createComputedFigures, createPartitionFigures } from './computed-figures.js';
import { allMetrics } from './metrics/index.js';
import type { AggregatorOptions } from './options.js';
import type { Seed } from './state/id-history.js';
import { createPartitionState } from './state/partition.js';

/** The events that figures are computed from. */
interface History {
  partitions(): Promise<readonly string[]>;
  /** In the order of their sequence numbers. */
  read(partitionId: string): AsyncIterable<readonly PartitionEvent[]>;
}

interface RecomputeOptions {
  readonly aggregator: AggregatorOptions;
  readonly behaviours: readonly BehaviourDefinition[];
  readonly seed: Seed;
  /** Times of arrival are known to the second alone: of delays nothing is said then. */
  readonly arrivalsInSeconds: boolean;
  /** The time that figures are wanted for: of panes that are not shown then nothing is kept. */
  readonly asOfMs: number;
}

/**
 * Computes figures from the events alone, by the code and the rules of the live ones: lateness, repetitions, sessions and
 * all. One partition is in memory at a time, and of the others what is shown. No offers are made.
 */
export async function recompute(history: History, options: RecomputeOptions): Promise<ComputedFigures> {
  const { aggregator, asOfMs, ...parts } = options;
  const computed = createComputedFigures();
  for (const partitionId of await history.partitions()) {
    const state = createPartitionState(aggregator, { ...allMetrics, ...parts });
    const figures = createPartitionFigures(asOfMs);
    for await (const events of history.read(partitionId)) {
      for (const { body, ...position } of events) state.apply(readPack(body), position);
      const changes = state.takeChanges();
      if (changes === undefined) continue;
      figures.write(changes);
      state.written(changes);
    }
    computed.add(partitionId, figures);
  }
  return computed;
}
