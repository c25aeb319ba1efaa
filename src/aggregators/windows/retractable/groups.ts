import type { Aggregate } from '../../../shared/aggregates/index.js';
import type { Part } from './part.js';

/** Aggregates that know how to subtract: sums, means and sketches of counters. */
export function groupPart(aggregate: Aggregate): Part<unknown, unknown> {
  const { create, add, subtract, encode, decode } = aggregate;
  if (subtract === undefined) throw new TypeError('the aggregate cannot subtract');
  return {
    ...{ create, add, encode },
    // The same as was added to it, by the same rule.
    retract: (state, input, timeMs) => subtract(state, add(create(), input, timeMs)),
    save: encode,
    load: (saved) => decode(saved as string),
  };
}
