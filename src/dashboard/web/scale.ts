/** A scale of counts that ends at 1 or 2 makes a single visitor look like a flood. */
const SMALLEST_OF_COUNTS = 5;
const HEADROOM = 1.08;

/** The scale upon which values stand. */
export interface Scale {
  readonly from: number;
  readonly to: number;
  /** Between counts there is nothing. */
  readonly isOfCounts: boolean;
}

/** With 0 in it, and what is below: sums may be negative. Of fractions, such as a rate, it is no larger than they are. */
export function scaleOf(values: readonly (number | null)[]): Scale {
  const known = values.filter((value) => value !== null);
  const isOfCounts = known.every(Number.isInteger);
  const to = Math.max(0, ...known) * HEADROOM;
  return {
    from: Math.min(0, ...known) * HEADROOM,
    to: isOfCounts ? Math.max(SMALLEST_OF_COUNTS, to) : to,
    isOfCounts,
  };
}
