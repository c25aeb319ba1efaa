import { createSlots, withRoom } from '../state/slots.js';

/** Sessions in columns, each linked to the one of the same key before it: see createSlots. */
export interface SessionTable {
  /** A session of one event. Its states are those of no event. */
  create(timeMs: number, previous: number): number;
  /** Returns the one before it. */
  free(session: number): number;
  startMs(session: number): number;
  lastMs(session: number): number;
  previous(session: number): number;
  state(fold: number, session: number): unknown;
  setStart(session: number, startMs: number): void;
  setPrevious(session: number, previous: number): void;
  setState(fold: number, session: number, state: unknown): void;
  /** Its last event is no earlier than this one. */
  reach(session: number, timeMs: number): void;
  /** A copy of all columns. Of a session that was freed there are zeros. */
  copy(): SessionColumns;
}

/** The states of one fold. */
export interface SessionStates {
  create(): unknown;
  encode(state: unknown): EncodedState;
  decode(encoded: EncodedState): unknown;
}

type EncodedState = number | string;

export interface SessionColumns {
  readonly startMs: Float64Array;
  readonly lastMs: Float64Array;
  readonly previous: Int32Array;
  /** Of each session one for each fold: those that are numbers. */
  readonly states: Float64Array;
  /** By fold those of all sessions that are no numbers, encoded. Of a fold of numbers there are none. */
  readonly otherStates: readonly (readonly EncodedState[])[];
}

/** @param folds what states a session has; a number as state of no event stands for a fold of numbers */
export function createSessionTable(folds: readonly SessionStates[]): SessionTable {
  const width = folds.length;
  const hasNumbers = folds.map(({ create }) => typeof create() === 'number');
  let startMs = new Float64Array(0);
  let lastMs = new Float64Array(0);
  let previous = new Int32Array(0);
  let states = new Float64Array(0);
  const otherStates = folds.map((): unknown[] => []);
  const slots = createSlots((capacity) => {
    startMs = withRoom(startMs, capacity);
    lastMs = withRoom(lastMs, capacity);
    previous = withRoom(previous, capacity);
    states = withRoom(states, capacity * width);
  });
  const setState = (fold: number, session: number, state: unknown) => {
    if (hasNumbers[fold]) states[session * width + fold] = state as number;
    else (otherStates[fold] as unknown[])[session] = state;
  };
  const setStates = (session: number, stateOf: (fold: SessionStates) => unknown) => {
    for (let fold = 0; fold < width; fold++) setState(fold, session, stateOf(folds[fold] as SessionStates));
  };
  const encoded = ({ encode }: SessionStates, fold: number): EncodedState[] =>
    Array.from(otherStates[fold] as unknown[], (state) => (state === FREE ? 0 : encode(state)));
  return {
    create(timeMs, before) {
      const session = slots.take();
      startMs[session] = timeMs;
      lastMs[session] = timeMs;
      previous[session] = before;
      setStates(session, newState);
      return session;
    },
    free(session) {
      const before = previous[session] as number;
      startMs[session] = 0;
      lastMs[session] = 0;
      previous[session] = 0;
      setStates(session, freeState);
      slots.free(session);
      return before;
    },
    startMs: (session) => startMs[session] as number,
    lastMs: (session) => lastMs[session] as number,
    previous: (session) => previous[session] as number,
    state: (fold, session) =>
      hasNumbers[fold] ? states[session * width + fold] : (otherStates[fold] as unknown[])[session],
    setStart(session, timeMs) {
      startMs[session] = timeMs;
    },
    setPrevious(session, before) {
      previous[session] = before;
    },
    setState,
    reach(session, timeMs) {
      if (timeMs > (lastMs[session] as number)) lastMs[session] = timeMs;
    },
    copy: () => ({
      startMs: startMs.slice(0, slots.end),
      lastMs: lastMs.slice(0, slots.end),
      previous: previous.slice(0, slots.end),
      states: states.slice(0, slots.end * width),
      otherStates: folds.map(encoded),
    }),
  };
}

/** What is there of a session that was freed. */
const FREE = 0;
const freeState = () => FREE;
const newState = ({ create }: SessionStates) => create();
