import { type AggregateName, type AggregateResult, aggregateOf } from '../../shared/aggregates/index.js';
import type { MetricDescription } from '../../shared/live-catalogue.js';
import type { SessionAggregate, SessionFold, SessionView } from '../windows/session-folds.js';
import { checkSessionMetric } from './check.js';
import type { Observation } from './define.js';
import { type CommonDefinition, describe } from './describe.js';
import { countUnder, inputsFrom, NO_KEY } from './inputs.js';
import type { SessionWindow } from './window.js';

/** What is made of each session. */
type EachSession =
  /** The time from its first to its last event. */
  | 'durationMs'
  /** An aggregate of its events; `value` is what of an event is aggregated, by all but `count`. */
  | { readonly aggregate: AggregateName; readonly value?: (observation: Observation) => number | string | undefined }
  /** The bits that its events set: a set, so that their order and repetition do not matter. */
  | { readonly marks: (observation: Observation) => number };

type Made<Each> = Each extends { readonly aggregate: AggregateName } ? AggregateResult : number;

/**
 * A metric of sessions, each in the pane of its start: what is made of its events, under which names it counts, and what
 * is made of the sessions of a pane.
 */
interface SessionMetricDefinition<Each extends EachSession> extends CommonDefinition {
  readonly window: SessionWindow;
  /** By default nothing: that there is a session is all there is to know. */
  readonly each?: Each;
  /** Which events `each` looks at; by default all. */
  readonly filter?: (observation: Observation) => boolean;
  /** Under which names a session is counted of which this was made: see `defineMetric`. By default one name for all. */
  readonly key?: (made: Made<Each>) => unknown;
  /** What of it is aggregated, by all but `count`: by default itself. Undefined and null are left out. */
  readonly value?: (made: Made<Each>) => number | string | null | undefined;
}

export interface SessionMetric extends Omit<SessionFold<Observation>, 'id' | 'count'> {
  readonly kind: 'sessions';
  readonly description: MetricDescription;
}

export function defineSessionMetric<const Each extends EachSession>(
  definition: SessionMetricDefinition<Each>,
): SessionMetric {
  checkSessionMetric(definition);
  const { each, filter, key, value, aggregate = 'count' } = definition;
  const { madeOf, ...ofEvents } = makingOf(each);
  const inputOf = inputsFrom(aggregate, aggregate === 'count' ? undefined : (value ?? ((made: Made<Each>) => made)));
  return {
    kind: 'sessions',
    description: describe(definition),
    ...(filter === undefined ? {} : { filter }),
    ...ofEvents,
    emit(session, count) {
      const made = madeOf(session) as Made<Each>;
      const input = inputOf(made);
      if (input === undefined) return;
      if (key === undefined) count(NO_KEY, input);
      else countUnder(key(made), input, count);
    },
  };
}

interface Making extends Pick<SessionMetric, 'aggregate' | 'looksAtEnd'> {
  madeOf(session: SessionView): unknown;
}

function makingOf(each: EachSession | undefined): Making {
  if (each === undefined) return { madeOf: () => 0 };
  if (each === 'durationMs') return { madeOf: ({ startMs, lastMs }) => lastMs - startMs, looksAtEnd: true };
  if ('marks' in each) return { madeOf: ({ state }) => state, aggregate: bitsOf(each.marks) };
  const { result } = aggregateOf(each.aggregate);
  return { madeOf: ({ state }) => result(state), aggregate: aggregateOfEvents(each) };
}

const bitsOf = (marks: (observation: Observation) => number): SessionAggregate<Observation> => ({
  create: () => 0,
  add: (state, observation) => (state as number) | marks(observation),
  merge: (a, b) => (a as number) | (b as number),
  encode: Number,
  decode: Number,
});

function aggregateOfEvents({
  aggregate,
  value,
}: Extract<EachSession, { readonly aggregate: AggregateName }>): SessionAggregate<Observation> {
  const { create, add, merge, encode, decode } = aggregateOf(aggregate);
  const inputOf = inputsFrom(aggregate, value);
  return {
    ...{ create, merge, encode, decode },
    add(state, observation) {
      const input = inputOf(observation);
      return input === undefined ? state : add(state, input, observation.timeMs);
    },
  };
}
