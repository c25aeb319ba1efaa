import { type Distinct, distinct, distinctOf, hashOf, top } from '../../../shared/aggregates/index.js';
import { MAX_VALUES, type Part } from './part.js';

/** How often each text was seen, and how often those for which there was no room. */
interface Listed {
  readonly counts: Map<string, number>;
  unlisted: number;
}

/** The most frequent texts, exact up to 1,000 different ones; beyond that no count is too low by more than all without room. */
export const topPart: Part<string, Listed> = {
  create: () => ({ counts: new Map(), unlisted: 0 }),
  add(state, text) {
    if (!increment(state.counts, text)) state.unlisted++;
    return state;
  },
  retract(state, text) {
    if (!decrement(state.counts, text)) state.unlisted--;
    return state;
  },
  encode: ({ counts, unlisted }) => top.encode(top.merge(top.create(), { counts, error: unlisted })),
  save: ({ counts, unlisted }) => [unlisted, [...counts.keys()], [...counts.values()]],
  load(saved) {
    const [unlisted, texts, counts] = saved as [number, string[], number[]];
    return { counts: new Map(texts.map((text, at) => [text, Number(counts[at])])), unlisted };
  },
};

/** How often each hash was seen; of more than 1,000 it is not known, and no more taken back. */
type Hashes = Map<number, number> | { readonly beyond: Distinct };

/** How many distinct texts: as exact as `distinct` is, but that beyond 1,000 texts none is taken back. */
export const distinctPart: Part<string, Hashes> = {
  create: () => new Map<number, number>(),
  add(state, text) {
    if (!(state instanceof Map)) return { beyond: distinct.add(state.beyond, text, 0) };
    const hash = hashOf(text);
    return increment(state, hash) ? state : { beyond: distinctOf([...state.keys(), hash]) };
  },
  retract(state, text) {
    if (state instanceof Map) decrement(state, hashOf(text));
    return state;
  },
  encode: (state) => distinct.encode(state instanceof Map ? distinctOf(state.keys()) : state.beyond),
  save: (state) => (state instanceof Map ? [...state] : distinct.encode(state.beyond)),
  load: (saved) =>
    typeof saved === 'string' ? { beyond: distinct.decode(saved) } : new Map(saved as [number, number][]),
};

/** Returns false where there is no room for another one. */
function increment<Key>(counts: Map<Key, number>, key: Key): boolean {
  const known = counts.get(key);
  if (known === undefined && counts.size >= MAX_VALUES) return false;
  counts.set(key, (known ?? 0) + 1);
  return true;
}

/** Returns false for one that is not there. */
function decrement<Key>(counts: Map<Key, number>, key: Key): boolean {
  const known = counts.get(key);
  if (known === undefined) return false;
  if (known === 1) counts.delete(key);
  else counts.set(key, known - 1);
  return true;
}
