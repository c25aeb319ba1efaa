import type { Hash64 } from '../../shared/siphash.js';
import { createKeys } from '../state/keys.js';
import { withRoom } from '../state/slots.js';
import { createSessionFolds, type SavedFolds, type SessionFold, statesOf } from './session-folds.js';
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

export interface SessionsOptions {
  readonly gapMs: number;
  readonly maxKeys: number;
}

export interface SavedSessions extends SessionColumns, SavedFolds {
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
  const table = createSessionTable(folds.map(statesOf));
  const folding = createSessionFolds(table, folds, saved);
  /** The newest session of each key, by the key's place. */
  let newest = new Int32Array(0);
  const keys = createKeys((capacity) => {
    newest = withRoom(newest, capacity);
  }, saved?.keys);
  let oldestStartMs = Number.POSITIVE_INFINITY;
  let evictedMs = Number.NEGATIVE_INFINITY;

  /** Into the later of the two; the earlier one is no more. */
  const merge = (early: number, late: number) => {
    table.setStart(late, table.startMs(early));
    table.setPrevious(late, table.previous(early));
    folding.merge(early, late);
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
      folding.reach(before, timeMs);
      folding.addTold(before, observation);
      return 'counted';
    }
    if (joinsAfter) folding.tell(after, -1);
    if (joinsBefore) folding.tell(before, -1);
    const session = joinsAfter ? after : table.create(timeMs, before);
    if (joinsBefore) merge(before, after);
    else if (joinsAfter) table.setStart(after, timeMs);
    else if (after === NONE) newest[slot] = session;
    else table.setPrevious(after, session);
    folding.add(session, observation);
    folding.tell(session, 1);
    return joinsAfter ? 'revised' : 'counted';
  };

  const noteStart = (timeMs: number) => {
    if (timeMs < oldestStartMs) oldestStartMs = timeMs;
  };
  /** The sessions of each key one behind the other, so that none that were free are left. */
  const restore = (from: SavedSessions) => {
    for (const [slot, newestSaved] of from.newest.entries()) {
      let later = NONE;
      for (let at = newestSaved; at !== NONE; at = from.previous[at] as number) {
        const session = table.create(from.startMs[at] as number, NONE);
        table.reach(session, from.lastMs[at] as number);
        noteStart(table.startMs(session));
        if (later === NONE) newest[slot] = session;
        else table.setPrevious(later, session);
        later = session;
        folding.restore(session, at);
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
        folding.add(session, observation);
        folding.tell(session, 1);
        // Before `newest` is looked at: a new place may be in a larger one.
        const place = keys.add(key);
        newest[place] = session;
        noteStart(timeMs);
        return 'counted';
      }
      const session = newest[slot] as number;
      if (timeMs >= table.startMs(session) && timeMs - table.lastMs(session) <= gapMs) {
        folding.reach(session, timeMs);
        folding.addTold(session, observation);
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
