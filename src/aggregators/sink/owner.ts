import { fencedError } from '../errors.js';

/** Who writes: the owner of a partition. Each owner has a higher epoch than the one before. */
export interface Owner {
  readonly partition: string;
  readonly epoch: number;
  /** When the hub was made whose partition it is, where that is known. */
  readonly hubCreatedAtMs?: number | undefined;
}

/** The highest owner epochs, which each answer of a script begins with. */
export const epochsOf = (answers: readonly (readonly [epoch: number, ...unknown[]])[]): number[] =>
  answers.map(([epoch]) => epoch);

/** @throws AggregatorError PS_PARTITION_FENCED when a script has told of a later owner. */
export function refuseFormer({ partition, epoch }: Owner, epochs: readonly number[]): void {
  const by = Math.max(...epochs);
  if (by > epoch) throw fencedError(`partition ${partition}`, { epoch, by });
}
