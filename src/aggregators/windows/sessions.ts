import type { Hash64 } from '../../shared/siphash.js';
import { createKeys } from '../state/keys.js';
import { withRoom } from '../state/slots.js';
import { createSessionTable, type SessionColumns } from './session-table.js';

/**
 * Session windows: events of one key that are no more than `gapMs` apart are one session. An event that comes out of
 * order can lengthen a session at either end or bridge two, which then are one. What a session counts for is written
 * in the pane of its start; when a session changes, what it counted for before is taken back.
 *
 * The content depends on the events alone: keys leave at fixed steps of event time (`evict`), never by the size of a
 * map or a clock, so that a replay keeps, and where there are too many leaves out, the same ones.
 */
export interface Sessions<Observation> {
  observe(key: Hash64, timeMs: number, observation: Observation): SessionOutcome;
  /** Forgets sessions that no event from `horizonMs` on can reach any more. Works once in `EVICT_STEP_MS`. */
  evict(horizonMs: number): void;
  /** Start of the oldest session that may still change, as of the last eviction. */
  readonly oldestStartMs: number;
  /** A copy of the sessions, for `createSessions`. */
  save(): SavedSessions;
  readonly size: number;
}

/**
 * `revised`: a session got an earlier start or two became one, so something that was counted is counted elsewhere or no
 * more. `full`: no more keys can be kept and this one is new, so the event is in no session.
 */
type SessionOutcome = 'counted' | 'revised' | 'full';

/** What is made of the events of a session: a number, which is 0 before the first. */
interface SessionAggregate<Observation> {
  add(state: number, observation: Observation): number;
  merge(a: number, b: number): number;
}

/** What is made of the sessions: `aggregate` sees each event, and `emit` says what a session counts for. */
export interface SessionFold<Observation> {
  /** Changes with the definition: the states of another are not taken over. */
  readonly id: string;
  /** Undefined for a metric that needs to know no more than that there is a session. */
  readonly aggregate?: SessionAggregate<Observation>;
  /** Events that the aggregate is not asked about. */
  readonly filter?: (observation: Observation) => boolean;
  emit(state: number, count: (name: string) => void): void;
  /** Adds to the counter of `name` in the pane that holds `startMs`. */
  count(startMs: number, name: string, by: 1 | -1): void;
}

export interface SessionsOptions {
  readonly gapMs: number;
  readonly maxKeys: number;
}

export interface SavedSessions extends SessionColumns {
  /** Ids of the folds, in the order of the states. */
  readonly folds: readonly string[];
  /** Pairs of halves, see `Keys`. */
  readonly keys: Uint32Array;
  /** The newest session of each key. */
  readonly newest: Int32Array;
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
  const table = createSessionTable(folds.length);
  /** The newest session of each key, by the key's place. */
  let newest = new Int32Array(0);
  const keys = createKeys((capacity) => {
    newest = withRoom(newest, capacity);
  }, saved?.keys);
  let oldestStartMs = Number.POSITIVE_INFINITY;
  let evictedMs = Number.NEGATIVE_INFINITY;

  const tellOne = (index: number, session: number, by: 1 | -1) => {
    const fold = folds[index] as SessionFold<Observation>;
    const startMs = table.startMs(session);
    fold.emit(table.state(index, session), (name) => fold.count(startMs, name, by));
  };
  const tell = (session: number, by: 1 | -1) => {
    for (let index = 0; index < folds.length; index++) tellOne(index, session, by);
  };
  /** Into a session that has the event's time in it: only what the event itself changes is told. */
  const add = (session: number, observation: Observation, told = false) => {
    for (let index = 0; index < folds.length; index++) {
      const { aggregate, filter } = folds[index] as SessionFold<Observation>;
      if (aggregate === undefined || (filter !== undefined && !filter(observation))) continue;
      const before = table.state(index, session);
      const after = aggregate.add(before, observation);
      if (after === before) continue;
      if (told) tellOne(index, session, -1);
      table.setState(index, session, after);
      if (told) tellOne(index, session, 1);
    }
  };
  /** Into the later of the two; the earlier one is no more. */
  const merge = (early: number, late: number) => {
    table.setStart(late, table.startMs(early));
    table.setPrevious(late, table.previous(early));
    for (const [index, { aggregate }] of folds.entries()) {
      if (aggregate !== undefined)
        table.setState(index, late, aggregate.merge(table.state(index, early), table.state(index, late)));
    }
    table.free(early);
  };
  /** Anywhere but into the newest session: a new one, an older one, a longer one, or two that become one. */
  const insert = (slot: number, timeMs: number, observation: Observation): SessionOutcome => {
    let after = NONE;
    let before = newest[slot] as number;
    for (; before !== NONE && table.startMs(before) > timeMs; before = table.previous(before)) after = before;
    const joinsBefore = before !== NONE && timeMs - table.lastMs(before) <= gapMs;
    const joinsAfter = after !== NONE && table.startMs(after) - timeMs <= gapMs;
    if (joinsBefore && !joinsAfter) {
      table.reach(before, timeMs);
      add(before, observation, true);
      return 'counted';
    }
    if (joinsAfter) tell(after, -1);
    if (joinsBefore) tell(before, -1);
    const session = joinsAfter ? after : table.create(timeMs, before);
    if (joinsBefore) merge(before, after);
    else if (joinsAfter) table.setStart(after, timeMs);
    else if (after === NONE) newest[slot] = session;
    else table.setPrevious(after, session);
    add(session, observation);
    tell(session, 1);
    return joinsAfter ? 'revised' : 'counted';
  };

  const noteStart = (timeMs: number) => {
    if (timeMs < oldestStartMs) oldestStartMs = timeMs;
  };
  /** The sessions of each key one behind the other, so that none that were free are left. */
  const restore = (from: SavedSessions) => {
    const foldAt = folds.map(({ id }) => from.folds.indexOf(id));
    for (const [slot, newestSaved] of from.newest.entries()) {
      let later = NONE;
      for (let at = newestSaved; at !== NONE; at = from.previous[at] as number) {
        const session = table.create(from.startMs[at] as number, NONE);
        table.reach(session, from.lastMs[at] as number);
        noteStart(table.startMs(session));
        if (later === NONE) newest[slot] = session;
        else table.setPrevious(later, session);
        later = session;
        for (let index = 0; index < folds.length; index++) {
          const fold = foldAt[index] as number;
          if (fold >= 0) table.setState(index, session, from.states[at * from.folds.length + fold] as number);
          // To a new fold the sessions that go on are new: what it is told later is the difference to this.
          else tellOne(index, session, 1);
        }
      }
    }
  };
  if (saved !== undefined) restore(saved);

  return {
    observe(key, timeMs, observation) {
      const slot = keys.find(key);
      if (slot === NONE) {
        if (keys.size >= maxKeys) return 'full';
        const session = table.create(timeMs, NONE);
        add(session, observation);
        tell(session, 1);
        // Before `newest` is looked at: a new place may be in a larger one.
        const place = keys.add(key);
        newest[place] = session;
        noteStart(timeMs);
        return 'counted';
      }
      const session = newest[slot] as number;
      if (timeMs >= table.startMs(session) && timeMs - table.lastMs(session) <= gapMs) {
        table.reach(session, timeMs);
        add(session, observation, true);
        return 'counted';
      }
      noteStart(timeMs);
      return insert(slot, timeMs, observation);
    },
    evict(horizonMs) {
      const stepMs = Math.floor(horizonMs / EVICT_STEP_MS) * EVICT_STEP_MS;
      if (stepMs <= evictedMs) return;
      evictedMs = stepMs;
      // An event at the horizon still reaches a session that ended this long before.
      const reachMs = stepMs - gapMs;
      oldestStartMs = Number.POSITIVE_INFINITY;
      keys.keep((slot) => {
        let kept = NONE;
        let session = newest[slot] as number;
        for (; session !== NONE && table.lastMs(session) >= reachMs; session = table.previous(session)) {
          kept = session;
          noteStart(table.startMs(session));
        }
        if (kept !== NONE) table.setPrevious(kept, NONE);
        while (session !== NONE) session = table.free(session);
        return kept !== NONE;
      });
    },
    get oldestStartMs() {
      return oldestStartMs;
    },
    save: () => ({
      folds: folds.map(({ id }) => id),
      keys: keys.save(),
      newest: keys.dense(newest, 1),
      ...table.copy(),
    }),
    get size() {
      return keys.size;
    },
  };
}
