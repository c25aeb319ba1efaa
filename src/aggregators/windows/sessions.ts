import type { Hash64 } from '../../shared/siphash.js';
import { createSessionChains, NONE, type SavedChains } from './session-chains.js';
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

export interface SavedSessions extends SessionColumns, SavedFolds, SavedChains {}

/** Eviction looks at every key, so it is done in steps of event time. */
const EVICT_STEP_MS = 10 * 60_000;

export function createSessions<Observation>(
  { gapMs, maxKeys }: SessionsOptions,
  folds: readonly SessionFold<Observation>[],
  saved?: SavedSessions,
): Sessions<Observation> {
  const table = createSessionTable(folds.map(statesOf));
  const folding = createSessionFolds(table, folds, saved);
  let oldestStartMs = Number.POSITIVE_INFINITY;
  let evictedMs = Number.NEGATIVE_INFINITY;
  const noteStart = (timeMs: number) => {
    if (timeMs < oldestStartMs) oldestStartMs = timeMs;
  };
  const chains = createSessionChains(table, saved, (session, at) => {
    noteStart(table.startMs(session));
    folding.restore(session, at);
  });

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
    let before = chains.newest(slot);
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
    else chains.putBefore(after, session, slot);
    folding.add(session, observation);
    folding.tell(session, 1);
    return joinsAfter ? 'revised' : 'counted';
  };

  return {
    observe(key, timeMs, observation) {
      const slot = chains.find(key);
      if (slot === NONE) {
        if (chains.size >= maxKeys) return 'full';
        const session = table.create(timeMs, NONE);
        folding.add(session, observation);
        folding.tell(session, 1);
        chains.add(key, session);
        noteStart(timeMs);
        return 'counted';
      }
      const session = chains.newest(slot);
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
      oldestStartMs = Number.POSITIVE_INFINITY;
      // An event at the horizon still reaches a session that ended this long before.
      chains.evict(stepMs - gapMs, (session) => noteStart(table.startMs(session)));
    },
    get oldestStartMs() {
      return oldestStartMs;
    },
    save: () => ({ folds: folds.map(({ id }) => id), ...chains.save(), ...table.copy() }),
    get size() {
      return chains.size;
    },
  };
}
