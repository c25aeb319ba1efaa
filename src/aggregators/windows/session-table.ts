import type { Aggregate } from '../../shared/aggregates/index.js';
import { createSlots, withRoom } from '../state/slots.js';

/** Sessions in columns, each linked to the one of the same key before it: see createSlots. */
export interface SessionTable {
  /** A session of one event. Its states are those of no event. */
  create(timeMs: number, previous: number): number;
  free(session: number): void;
  startMs(session: number): number;
  lastMs(session: number): number;
  previous(session: number): number;
  setStart(session: number, startMs: number): void;
  setPrevious(session: number, previous: number): void;
  /** Its last event is no earlier than this one. */
  reach(session: number, timeMs: number): void;
  /** Of each fold, by session. */
  readonly states: readonly unknown[][];
  /** All columns as they are now; the states are encoded. */
  copy(): SessionColumns;
}

interface SessionColumns {
  readonly startMs: Float64Array;
  readonly lastMs: Float64Array;
  readonly previous: Int32Array;
  readonly states: readonly (readonly (number | string)[])[];
}

/** What a fold makes of the events of a session; undefined when it needs no more than that there is one. */
interface Fold {
  readonly aggregate?: Pick<Aggregate<never, unknown>, 'create' | 'encode'> | undefined;
}

export function createSessionTable(folds: readonly Fold[]): SessionTable {
  let startMs = new Float64Array(0);
  let lastMs = new Float64Array(0);
  let previous = new Int32Array(0);
  const states: unknown[][] = folds.map(() => []);
  const slots = createSlots((capacity) => {
    startMs = withRoom(startMs, capacity);
    lastMs = withRoom(lastMs, capacity);
    previous = withRoom(previous, capacity);
  });
  return {
    create(timeMs, before) {
      const session = slots.take();
      startMs[session] = timeMs;
      lastMs[session] = timeMs;
      previous[session] = before;
      for (let fold = 0; fold < folds.length; fold++) {
        (states[fold] as unknown[])[session] = folds[fold]?.aggregate?.create();
      }
      return session;
    },
    free(session) {
      for (const ofFold of states) ofFold[session] = undefined;
      slots.free(session);
    },
    startMs: (session) => startMs[session] as number,
    lastMs: (session) => lastMs[session] as number,
    previous: (session) => previous[session] as number,
    setStart(session, timeMs) {
      startMs[session] = timeMs;
    },
    setPrevious(session, before) {
      previous[session] = before;
    },
    reach(session, timeMs) {
      if (timeMs > (lastMs[session] as number)) lastMs[session] = timeMs;
    },
    states,
    copy: () => ({
      startMs: startMs.slice(),
      lastMs: lastMs.slice(),
      previous: previous.slice(),
      states: states.map((ofFold, index) => {
        const aggregate = folds[index]?.aggregate;
        return ofFold.map((state) => (aggregate === undefined || state === undefined ? 0 : aggregate.encode(state)));
      }),
    }),
  };
}
