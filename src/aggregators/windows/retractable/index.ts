import { type AggregateName, aggregateOf } from '../../../shared/aggregates/index.js';
import type { PaneAggregate } from '../pane-aggregate.js';
import { extremesPart } from './extremes.js';
import { groupPart } from './groups.js';
import type { Part } from './part.js';
import { distinctPart, topPart } from './texts.js';

/**
 * Aggregates of what may change later: of sessions, which get longer and become one. An input that was added can be
 * retracted again, and the state is that of the others. What is shown has the form of the aggregate of the same name, so
 * that readers merge it with no need to know of this.
 */
export const retractableOf = (name: AggregateName): PaneAggregate =>
  name === 'count' ? count : retractable(partOf(name) as Part<unknown, unknown>);

/** An input is how many more, and the state how many there are. */
const count = { ...groupPart(aggregateOf('count')), isEmpty: (state) => state === 0 } as PaneAggregate;

function partOf(name: Exclude<AggregateName, 'count'>) {
  switch (name) {
    case 'sum':
    case 'mean':
    case 'quantiles':
      return groupPart(aggregateOf(name));
    case 'min':
    case 'max':
    case 'first':
    case 'last':
      return extremesPart(aggregateOf(name));
    case 'top':
      return topPart;
    case 'distinct':
      return distinctPart;
  }
}

interface Counted<State> {
  /** How many are in it. */
  inputs: number;
  part: State;
}

/** When the last input is gone, nothing of any of them is left. */
function retractable<Input, State>(part: Part<Input, State>): PaneAggregate {
  const aggregate: PaneAggregate<Input, Counted<State>> = {
    create: () => ({ inputs: 0, part: part.create() }),
    add(state, input, timeMs) {
      state.inputs++;
      state.part = part.add(state.part, input, timeMs);
      return state;
    },
    retract(state, input, timeMs) {
      state.inputs--;
      state.part = state.inputs === 0 ? part.create() : part.retract(state.part, input, timeMs);
      return state;
    },
    isEmpty: (state) => state.inputs === 0,
    encode: (state) => (state.inputs === 0 ? 0 : part.encode(state.part)),
    save: (state) => (state.inputs === 0 ? 0 : JSON.stringify([state.inputs, part.save(state.part)])),
    load(saved) {
      if (saved === 0) return aggregate.create();
      const [inputs, kept] = JSON.parse(String(saved)) as [unknown, unknown];
      if (typeof inputs !== 'number') throw new RangeError('no number of inputs');
      return { inputs, part: part.load(kept) };
    },
  };
  return aggregate as PaneAggregate;
}
