import type { Aggregate } from '../../shared/aggregates/index.js';
import { createByteReader } from '../state/bytes.js';
import { createPartSave, type PartSave } from '../state/part-save.js';
import { createSessionTable, type SessionTable } from './session-table.js';

/**
 * Session windows: events of one key that are no more than `gapMs` apart are one session. An event that comes out of
 * order can lengthen a session at either end or bridge two, which then are one. What a session counts for is written
 * in the pane of its start; when a session changes, what it counted for before is taken back.
 *
 * The content depends on the events alone: keys leave at fixed steps of event time (`evict`), never by the size of a
 * map or a clock, so that a replay keeps, and where there are too many leaves out, the same ones.
 */
export interface Sessions<Observation> {
  observe(key: string, timeMs: number, observation: Observation): SessionOutcome;
  /** Forgets sessions that no event from `horizonMs` on can reach any more. Works once in `EVICT_STEP_MS`. */
  evict(horizonMs: number): void;
  /** Start of the oldest session that may still change, as of the last eviction. */
  readonly oldestStartMs: number;
  /** Begins to save the sessions that there are now. */
  save(): PartSave<SavedSessions>;
  readonly size: number;
}

/**
 * `revised`: a session got an earlier start or two became one, so something that was counted is counted elsewhere or no
 * more. `full`: no more keys can be kept and this one is new, so the event is in no session.
 */
type SessionOutcome = 'counted' | 'revised' | 'full';

/** What is made of the sessions: `add` sees each event, and `emit` says what a session counts for. */
export interface SessionFold<Observation, State = unknown> {
  /** Changes with the definition: the states of another are not taken over. */
  readonly id: string;
  /** Undefined for a metric that needs to know no more than that there is a session. */
  readonly aggregate?: Pick<Aggregate<Observation, State>, 'create' | 'add' | 'merge' | 'encode' | 'decode'>;
  /** Events that the aggregate is not asked about. */
  readonly filter?: (observation: Observation) => boolean;
  emit(state: State, count: (name: string) => void): void;
  /** Adds to the counter of `name` in the pane that holds `startMs`. */
  count(startMs: number, name: string, by: 1 | -1): void;
}

export interface SessionsOptions {
  readonly gapMs: number;
  readonly maxKeys: number;
}

export interface SavedSessions {
  /** Ids of the folds, in the order of the states. */
  readonly folds: readonly string[];
  /** Of each key its sessions, newest first: start, time from there to the last event, and a state for each fold. */
  readonly keys: Buffer;
}

/** Eviction looks at every key, so it is done in steps of event time. */
const EVICT_STEP_MS = 10 * 60_000;

/** No further session of the key. */
const NONE = -1;

export function createSessions<Observation>(
  options: SessionsOptions,
  folds: readonly SessionFold<Observation>[],
  saved?: SavedSessions,
): Sessions<Observation> {
  const { gapMs, maxKeys } = options;
  const table = createSessionTable(folds);
  /** The newest session of each key. */
  const byKey = saved === undefined ? new Map<string, number>() : restore(folds, table, saved);
  let oldestStartMs = oldestOf(table, byKey);
  let evictedMs = Number.NEGATIVE_INFINITY;

  const tellOne = (fold: SessionFold<Observation>, session: number, state: unknown, by: 1 | -1) => {
    const startMs = table.startMs(session);
    fold.emit(state, (name) => fold.count(startMs, name, by));
  };
  const tell = (session: number, by: 1 | -1) => {
    for (const [index, fold] of folds.entries()) tellOne(fold, session, table.states[index]?.[session], by);
  };
  /** Into a session that has the event's time in it: only what the event itself changes is told. */
  const add = (session: number, timeMs: number, observation: Observation, told = false) => {
    for (let index = 0; index < folds.length; index++) {
      const fold = folds[index] as SessionFold<Observation>;
      if (fold.aggregate === undefined || (fold.filter !== undefined && !fold.filter(observation))) continue;
      const states = table.states[index] as unknown[];
      const before = states[session];
      if (typeof before === 'number') {
        const after = fold.aggregate.add(before, observation, timeMs);
        if (after === before) continue;
        if (told) tellOne(fold, session, before, -1);
        states[session] = after;
      } else {
        if (told) tellOne(fold, session, before, -1);
        states[session] = fold.aggregate.add(before, observation, timeMs);
      }
      if (told) tellOne(fold, session, states[session], 1);
    }
  };
  /** Into the later of the two; the earlier one is no more. */
  const merge = (early: number, late: number) => {
    table.setStart(late, table.startMs(early));
    table.setPrevious(late, table.previous(early));
    for (const [index, { aggregate }] of folds.entries()) {
      const states = table.states[index] as unknown[];
      states[late] = aggregate?.merge(states[early], states[late]);
    }
    table.free(early);
  };
  /** Anywhere but into the newest session: a new one, an older one, a longer one, or two that become one. */
  const insert = (key: string, timeMs: number, observation: Observation): SessionOutcome => {
    let after = NONE;
    let before = byKey.get(key) as number;
    for (; before !== NONE && table.startMs(before) > timeMs; before = table.previous(before)) after = before;
    const joinsBefore = before !== NONE && timeMs - table.lastMs(before) <= gapMs;
    const joinsAfter = after !== NONE && table.startMs(after) - timeMs <= gapMs;
    if (joinsBefore && !joinsAfter) {
      table.reach(before, timeMs);
      add(before, timeMs, observation, true);
      return 'counted';
    }
    if (joinsAfter) tell(after, -1);
    if (joinsBefore) tell(before, -1);
    const session = joinsAfter ? after : table.create(timeMs, before);
    if (joinsBefore) merge(before, after);
    else if (joinsAfter) table.setStart(after, timeMs);
    else if (after === NONE) byKey.set(key, session);
    else table.setPrevious(after, session);
    add(session, timeMs, observation);
    tell(session, 1);
    return joinsAfter ? 'revised' : 'counted';
  };

  return {
    observe(key, timeMs, observation) {
      const newest = byKey.get(key);
      if (newest === undefined) {
        if (byKey.size >= maxKeys) return 'full';
        const session = table.create(timeMs, NONE);
        add(session, timeMs, observation);
        tell(session, 1);
        byKey.set(key, session);
        if (timeMs < oldestStartMs) oldestStartMs = timeMs;
        return 'counted';
      }
      if (timeMs >= table.startMs(newest) && timeMs - table.lastMs(newest) <= gapMs) {
        table.reach(newest, timeMs);
        add(newest, timeMs, observation, true);
        return 'counted';
      }
      if (timeMs < oldestStartMs) oldestStartMs = timeMs;
      return insert(key, timeMs, observation);
    },
    evict(horizonMs) {
      const stepMs = Math.floor(horizonMs / EVICT_STEP_MS) * EVICT_STEP_MS;
      if (stepMs <= evictedMs) return;
      evictedMs = stepMs;
      // An event at the horizon still reaches a session that ended this long before.
      const reachMs = stepMs - gapMs;
      for (const [key, newest] of byKey) {
        let kept = NONE;
        let session = newest;
        for (; session !== NONE && table.lastMs(session) >= reachMs; session = table.previous(session)) kept = session;
        if (kept === NONE) byKey.delete(key);
        else table.setPrevious(kept, NONE);
        for (; session !== NONE; session = table.previous(session)) table.free(session);
      }
      oldestStartMs = oldestOf(table, byKey);
    },
    get oldestStartMs() {
      return oldestStartMs;
    },
    save() {
      const copy = table.copy();
      const newest = [...byKey.values()];
      const { next, finish } = createPartSave([...byKey.keys()], (writer, key, index) => {
        writer.text(key);
        let session = newest[index] as number;
        for (; session !== NONE; session = copy.previous[session] as number) {
          const startMs = copy.startMs[session] as number;
          writer.uint(1 + startMs);
          writer.uint((copy.lastMs[session] as number) - startMs);
          for (const states of copy.states) writer.value(states[session] as number | string);
        }
        writer.uint(0);
      });
      return { next, finish: () => ({ folds: folds.map(({ id }) => id), keys: finish() }) };
    },
    get size() {
      return byKey.size;
    },
  };
}

/** The newest session of each key that was saved, in the table. */
function restore<Observation>(
  folds: readonly SessionFold<Observation>[],
  table: SessionTable,
  saved: SavedSessions,
): Map<string, number> {
  const byKey = new Map<string, number>();
  const savedAt = folds.map(({ id }) => saved.folds.indexOf(id));
  const reader = createByteReader(saved.keys);
  while (!reader.atEnd) {
    const key = reader.text();
    let later = NONE;
    for (let start = reader.uint(); start > 0; start = reader.uint()) {
      const session = table.create(start - 1, NONE);
      table.reach(session, start - 1 + reader.uint());
      const states = saved.folds.map(() => reader.value());
      if (later === NONE) byKey.set(key, session);
      else table.setPrevious(later, session);
      later = session;
      for (const [index, fold] of folds.entries()) {
        const state = states[savedAt[index] as number];
        const column = table.states[index] as unknown[];
        if (state !== undefined) column[session] = fold.aggregate?.decode(state);
        // To a new fold the sessions that go on are new: what it is told later is the difference to this.
        else fold.emit(column[session], (name) => fold.count(start - 1, name, 1));
      }
    }
  }
  return byKey;
}

function oldestOf(table: SessionTable, newestSessions: ReadonlyMap<string, number>): number {
  let oldestMs = Number.POSITIVE_INFINITY;
  for (const newest of newestSessions.values()) {
    for (let session = newest; session !== NONE; session = table.previous(session))
      oldestMs = Math.min(oldestMs, table.startMs(session));
  }
  return oldestMs;
}
