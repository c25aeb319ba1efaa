import { defaultAggregatorOptions } from '../aggregators/index.js';
import type { Config } from '../shared/config/index.js';

/** The rules of the figures: those that are live and those that are computed anew have the same. */
export function aggregatorOptionsOf({ aggregators: { rememberedIds } }: Config) {
  const { dedup } = defaultAggregatorOptions;
  return { ...defaultAggregatorOptions, dedup: { ...dedup, maxIdsPerGeneration: rememberedIds } };
}
