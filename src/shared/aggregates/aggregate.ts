/**
 * A function over many inputs that can be computed in parts: the parts are kept, written as text, read back and merged,
 * in any order and grouping, and the result is that of all inputs together. Merging is associative and commutative, and
 * `create()` is its neutral element.
 */
export interface Aggregate<Input, State> {
  /** Names the function and its parameters: two with the same kind can read and merge each other's states. */
  readonly kind: string;
  create(): State;
  /** The state with the input in it; it may be the given one, changed. */
  add(state: State, input: Input): State;
  /** A new state, or the unchanged `a` or `b`. */
  merge(a: State, b: State): State;
  encode(state: State): number | string;
  /** @throws RangeError for what `encode` did not write. */
  decode(encoded: number | string): State;
}
