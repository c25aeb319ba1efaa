import type { Aggregate } from '../../shared/aggregates/index.js';

/** An aggregate as panes keep it. What is kept of it may be more than what is shown. */
export interface PaneAggregate<Input = unknown, State = unknown>
  extends Pick<Aggregate<Input, State>, 'create' | 'add' | 'encode'> {
  /** The state without an input that is in it; it may be the given one, changed. */
  retract(state: State, input: Input, timeMs: number): State;
  /** No input is in it. */
  isEmpty(state: State): boolean;
  /** All of it, for `load`; a number only where 0 is the same as nothing at all. */
  save(state: State): number | string;
  /** @throws RangeError or SyntaxError for what `save` did not write. */
  load(saved: number | string): State;
}

/** Of events by themselves: what has happened is not taken back. */
export const addOnly = (aggregate: Aggregate): PaneAggregate => ({
  ...aggregate,
  retract() {
    throw new Error('nothing is taken back here');
  },
  isEmpty: () => false,
  save: aggregate.encode,
  load: aggregate.decode,
});
