import { createSlots, withRoom } from '../state/slots.js';

/** Sessions in columns, each linked to the one of the same key before it: see createSlots. */
export interface SessionTable {
  /** A session of one event. Its states are 0. */
  create(timeMs: number, previous: number): number;
  /** Returns the one before it. */
  free(session: number): number;
  startMs(session: number): number;
  lastMs(session: number): number;
  previous(session: number): number;
  state(fold: number, session: number): number;
  setStart(session: number, startMs: number): void;
  setPrevious(session: number, previous: number): void;
  setState(fold: number, session: number, state: number): void;
  /** Its last event is no earlier than this one. */
  reach(session: number, timeMs: number): void;
  /** A copy of all columns. Of a session that was freed there are zeros. */
  copy(): SessionColumns;
}

export interface SessionColumns {
  readonly startMs: Float64Array;
  readonly lastMs: Float64Array;
  readonly previous: Int32Array;
  /** Of each session one for each fold. */
  readonly states: Float64Array;
}

/** @param folds how many states a session has */
export function createSessionTable(folds: number): SessionTable {
  let startMs = new Float64Array(0);
  let lastMs = new Float64Array(0);
  let previous = new Int32Array(0);
  let states = new Float64Array(0);
  const slots = createSlots((capacity) => {
    startMs = withRoom(startMs, capacity);
    lastMs = withRoom(lastMs, capacity);
    previous = withRoom(previous, capacity);
    states = withRoom(states, capacity * folds);
  });
  return {
    create(timeMs, before) {
      const session = slots.take();
      startMs[session] = timeMs;
      lastMs[session] = timeMs;
      previous[session] = before;
      states.fill(0, session * folds, (session + 1) * folds);
      return session;
    },
    free(session) {
      const before = previous[session] as number;
      startMs[session] = 0;
      lastMs[session] = 0;
      previous[session] = 0;
      states.fill(0, session * folds, (session + 1) * folds);
      slots.free(session);
      return before;
    },
    startMs: (session) => startMs[session] as number,
    lastMs: (session) => lastMs[session] as number,
    previous: (session) => previous[session] as number,
    state: (fold, session) => states[session * folds + fold] as number,
    setStart(session, timeMs) {
      startMs[session] = timeMs;
    },
    setPrevious(session, before) {
      previous[session] = before;
    },
    setState(fold, session, state) {
      states[session * folds + fold] = state;
    },
    reach(session, timeMs) {
      if (timeMs > (lastMs[session] as number)) lastMs[session] = timeMs;
    },
    copy: () => ({
      startMs: startMs.slice(0, slots.end),
      lastMs: lastMs.slice(0, slots.end),
      previous: previous.slice(0, slots.end),
      states: states.slice(0, slots.end * folds),
    }),
  };
}
