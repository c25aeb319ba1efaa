import type { SessionColumns, SessionStates, SessionTable } from './session-table.js';

/** What is made of the events of a session. */
export interface SessionAggregate<Observation> extends SessionStates {
  /** The state with the event in it; it may be the given one, changed. */
  add(state: unknown, observation: Observation): unknown;
  /** Two sessions become one; it may be one of the given ones, changed. */
  merge(a: unknown, b: unknown): unknown;
}

/** What is made of the sessions: `aggregate` sees each event, and `emit` says what a session counts for. */
export interface SessionFold<Observation> {
  /** Changes with the definition: the states of another are not taken over. */
  readonly id: string;
  /** Undefined for a metric that needs to know no more than that there is a session, and when. */
  readonly aggregate?: SessionAggregate<Observation>;
  /** Events that the aggregate is not asked about. */
  readonly filter?: (observation: Observation) => boolean;
  /** What a session counts for depends on its last event. */
  readonly looksAtEnd?: boolean;
  emit(session: SessionView, count: (name: string, input: unknown) => void): void;
  count(counted: SessionCount): void;
}

/** A session, as far as what it counts for depends on it. */
export interface SessionView {
  readonly startMs: number;
  readonly lastMs: number;
  /** What the aggregate made of its events; 0 where there is none. */
  readonly state: unknown;
}

/** The input is added to the counter of `name` in the pane that holds `startMs`, or taken back. */
export interface SessionCount {
  readonly startMs: number;
  readonly name: string;
  readonly input: unknown;
  readonly by: 1 | -1;
}

/** The folds over the sessions of a table. To tell a session is to say what it counts for, or that it does no more (-1). */
export interface SessionFolds<Observation> {
  tell(session: number, by: 1 | -1): void;
  /** An event of a session that is not told. */
  add(session: number, observation: Observation): void;
  /** An event of a session that is told, and has its time in it: only what the event itself changes is told again. */
  addTold(session: number, observation: Observation): void;
  /** A session that is told ends no earlier than this. */
  reach(session: number, timeMs: number): void;
  /** The states of both, into the later one. */
  merge(early: number, late: number): void;
  /** The states that the session at this place in what was saved had. */
  restore(session: number, at: number): void;
}

export interface SavedFolds extends Pick<SessionColumns, 'states' | 'otherStates'> {
  /** Ids of the folds, in the order of the states. */
  readonly folds: readonly string[];
}

/** What a table keeps for a fold without an aggregate. */
const NO_STATES: SessionStates = { create: () => 0, encode: Number, decode: Number };

export const statesOf = <Observation>({ aggregate }: SessionFold<Observation>): SessionStates => aggregate ?? NO_STATES;

export function createSessionFolds<Observation>(
  table: SessionTable,
  folds: readonly SessionFold<Observation>[],
  saved?: SavedFolds,
): SessionFolds<Observation> {
  const atEnd = [...folds.keys()].filter((index) => folds[index]?.looksAtEnd);

  const tellOne = (index: number, session: number, by: 1 | -1) => {
    const fold = folds[index] as SessionFold<Observation>;
    const startMs = table.startMs(session);
    const view = { startMs, lastMs: table.lastMs(session), state: table.state(index, session) };
    fold.emit(view, (name, input) => fold.count({ startMs, name, input, by }));
  };
  const adding = (told: boolean) => (session: number, observation: Observation) => {
    for (let index = 0; index < folds.length; index++) {
      const { aggregate, filter } = folds[index] as SessionFold<Observation>;
      if (aggregate === undefined || (filter !== undefined && !filter(observation))) continue;
      const before = table.state(index, session);
      // One that is no number may be changed in its place, so it is told of first.
      const isNumber = typeof before === 'number';
      if (told && !isNumber) tellOne(index, session, -1);
      const after = aggregate.add(before, observation);
      if (isNumber && after === before) continue;
      if (told && isNumber) tellOne(index, session, -1);
      table.setState(index, session, after);
      if (told) tellOne(index, session, 1);
    }
  };
  const savedAt = folds.map(({ id }) => saved?.folds.indexOf(id) ?? -1);
  const savedState = ({ folds: ids, states, otherStates }: SavedFolds, index: number, at: number): unknown => {
    const fold = savedAt[index] as number;
    const other = otherStates[fold]?.[at];
    return other === undefined
      ? states[at * ids.length + fold]
      : statesOf(folds[index] as SessionFold<Observation>).decode(other);
  };
  return {
    tell(session, by) {
      for (let index = 0; index < folds.length; index++) tellOne(index, session, by);
    },
    add: adding(false),
    addTold: adding(true),
    reach(session, timeMs) {
      if (timeMs <= table.lastMs(session)) return;
      for (const index of atEnd) tellOne(index, session, -1);
      table.reach(session, timeMs);
      for (const index of atEnd) tellOne(index, session, 1);
    },
    merge(early, late) {
      for (const [index, { aggregate }] of folds.entries()) {
        if (aggregate !== undefined)
          table.setState(index, late, aggregate.merge(table.state(index, early), table.state(index, late)));
      }
    },
    restore(session, at) {
      if (saved === undefined) return;
      for (let index = 0; index < folds.length; index++) {
        if ((savedAt[index] as number) >= 0) table.setState(index, session, savedState(saved, index, at));
        // To a new fold the sessions that go on are new: what it is told later is the difference to this.
        else tellOne(index, session, 1);
      }
    },
  };
}
