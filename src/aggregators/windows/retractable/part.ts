/** What a retractable aggregate keeps of its inputs, while there are any. */
export interface Part<Input, State> {
  create(): State;
  add(state: State, input: Input, timeMs: number): State;
  retract(state: State, input: Input, timeMs: number): State;
  encode(state: State): number | string;
  /** As JSON can say it. */
  save(state: State): unknown;
  /** @throws RangeError, SyntaxError or TypeError for what `save` did not give. */
  load(saved: unknown): State;
}

/**
 * Different values that are told apart, in each state. So many have to be kept where every one of them may be taken back:
 * the second smallest is the smallest when the smallest is gone.
 */
export const MAX_VALUES = 1_000;
