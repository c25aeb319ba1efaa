import type { Aggregate } from './aggregate.js';

/** Each count is too low by no more than `error`; what is not listed has been seen `error` times at the most. */
interface Top {
  readonly error: number;
  readonly counts: Map<string, number>;
}

const CAPACITY = 200;
const SHOWN = 10;

/**
 * The most frequent texts: exact while there are no more than 200 distinct ones. Beyond that the counts of Misra and
 * Gries with the merge of Agarwal et al., "Mergeable summaries" (2012): of n texts no count is off by more than n/201.
 */
export const top: Aggregate<string, Top> = {
  create: () => ({ error: 0, counts: new Map() }),
  add(state, text) {
    state.counts.set(text, (state.counts.get(text) ?? 0) + 1);
    return cut(state);
  },
  merge(a, b) {
    const counts = new Map(a.counts);
    for (const [text, count] of b.counts) counts.set(text, (counts.get(text) ?? 0) + count);
    return cut({ error: a.error + b.error, counts });
  },
  encode: ({ error, counts }) => JSON.stringify([error, [...counts.keys()], [...counts.values()]]),
  decode(encoded) {
    const [error, texts, counts] = JSON.parse(String(encoded)) as [unknown, unknown, unknown];
    if (typeof error !== 'number' || !Array.isArray(texts) || !Array.isArray(counts)) throw new RangeError('no counts');
    return { error, counts: new Map(texts.map((text, index) => [String(text), Number(counts[index])])) };
  },
  result: ({ error, counts }) =>
    [...counts]
      .sort(([textA, a], [textB, b]) => b - a || (textA < textB ? -1 : 1))
      .slice(0, SHOWN)
      .map(([name, count]) => ({ name, count, error })),
};

/** Takes the largest count that has no place from every count, which makes room. */
function cut(state: Top): Top {
  if (state.counts.size <= CAPACITY) return state;
  const by = [...state.counts.values()].sort((a, b) => b - a)[CAPACITY] as number;
  const counts = new Map<string, number>();
  for (const [text, count] of state.counts) if (count > by) counts.set(text, count - by);
  return { error: state.error + by, counts };
}
