/**
 * A function over many inputs that can be computed in parts: the parts are kept, written as text, read back and merged,
 * in any order and grouping, and the result is that of all inputs together. Merging is associative and commutative
 * (`top` keeps to its bounds instead once it overflows), and `create()` is its neutral element.
 */
export interface Aggregate<Input = unknown, State = unknown> {
  create(): State;
  /** The state with the input in it; it may be the given one, changed. */
  add(state: State, input: Input, timeMs: number): State;
  /** A new state, or `a` or `b` as it was. */
  merge(a: State, b: State): State;
  /**
   * `a` without `b`, which is a part of it; it may be the given one, changed. Left out where that cannot be told: what is the
   * smallest value without the smallest?
   */
  subtract?(a: State, b: State): State;
  /** A number only where 0 is the same as nothing at all. */
  encode(state: State): number | string;
  /** @throws RangeError or SyntaxError for what `encode` did not write. */
  decode(encoded: number | string): State;
  /** What is shown; null where there is nothing to show. */
  result(state: State): AggregateResult;
}

export type AggregateResult =
  | number
  | string
  | null
  | readonly { readonly name: string; readonly count: number; readonly error: number }[]
  | { readonly count: number; readonly p50: number | null; readonly p95: number | null; readonly p99: number | null };

/** A finite number from text. */
export function numberOf(encoded: number | string | undefined): number {
  const value = Number(encoded);
  if (encoded === '' || !Number.isFinite(value)) throw new RangeError(`"${encoded}" is no number`);
  return value;
}
