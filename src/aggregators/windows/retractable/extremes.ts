import type { Aggregate } from '../../../shared/aggregates/index.js';
import { MAX_VALUES, type Part } from './part.js';

interface Counted {
  /** The state of the aggregate when it has seen this value alone. */
  readonly value: unknown;
  count: number;
}

/** The values nearest to the end that is shown, with how often each was seen. */
interface Extremes {
  /** By what the aggregate writes of the value. */
  readonly values: Map<string, Counted>;
  /** The nearest that was left out, if any; what is further away is not kept. */
  leftOut: unknown;
}

/**
 * Aggregates whose `merge` chooses one of two: `min`, `max`, `first` and `last`. Between 1,000 and 2,000 values are kept; only
 * when as many were taken back as that, and nothing nearer has come, is what is shown no more than a bound: the nearest
 * that was left out.
 */
export function extremesPart(aggregate: Aggregate): Part<unknown, Extremes> {
  const { create, add, merge, encode, decode } = aggregate;
  const isNearer = (a: unknown, b: unknown) => merge(a, b) === a;
  const isLeftOut = ({ leftOut }: Extremes, value: unknown) => leftOut !== undefined && isNearer(leftOut, value);
  const textOf = (value: unknown) => String(encode(value));
  const cut = (state: Extremes) => {
    const sorted = [...state.values].sort(([, a], [, b]) => (isNearer(a.value, b.value) ? -1 : 1));
    state.leftOut = sorted[MAX_VALUES]?.[1].value;
    for (const [text] of sorted.slice(MAX_VALUES)) state.values.delete(text);
  };
  return {
    create: () => ({ values: new Map(), leftOut: undefined }),
    add(state, input, timeMs) {
      const value = add(create(), input, timeMs);
      const text = textOf(value);
      const known = state.values.get(text);
      if (known !== undefined) known.count++;
      else if (!isLeftOut(state, value)) state.values.set(text, { value, count: 1 });
      if (state.values.size > 2 * MAX_VALUES) cut(state);
      return state;
    },
    retract(state, input, timeMs) {
      const text = textOf(add(create(), input, timeMs));
      const known = state.values.get(text);
      // Of one that is not kept nothing is to be taken back.
      if (known !== undefined && --known.count === 0) state.values.delete(text);
      return state;
    },
    encode({ values, leftOut }) {
      let nearest = values.size === 0 && leftOut !== undefined ? leftOut : create();
      for (const { value } of values.values()) nearest = merge(nearest, value);
      return encode(nearest);
    },
    save: ({ values, leftOut }) => [
      leftOut === undefined ? null : encode(leftOut),
      [...values.keys()],
      Array.from(values.values(), ({ count }) => count),
    ],
    load(saved) {
      const [leftOut, texts, counts] = saved as [string | null, string[], number[]];
      const values = texts.map((text, at) => [text, { value: decode(text), count: Number(counts[at]) }] as const);
      return { values: new Map(values), leftOut: leftOut === null ? undefined : decode(leftOut) };
    },
  };
}
