import type { Aggregate } from '../../shared/aggregates/index.js';

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
  save(): SavedSessions;
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
  readonly keys: readonly SavedKey[];
}

/** Of each session start, last event, and an encoded state for each fold. */
type SavedKey = readonly [
  key: string,
  sessions: readonly (readonly [startMs: number, lastMs: number, ...states: (number | string)[]])[],
];

/** Eviction looks at every key, so it is done in steps of event time. */
const EVICT_STEP_MS = 10 * 60_000;

interface Session {
  startMs: number;
  lastMs: number;
  readonly states: unknown[];
}

export function createSessions<Observation>(
  options: SessionsOptions,
  folds: readonly SessionFold<Observation>[],
  saved?: SavedSessions,
): Sessions<Observation> {
  const { gapMs, maxKeys } = options;
  /** Of each key in the order of time; more than `gapMs` lies between two. */
  const byKey = restore(folds, saved);
  let oldestStartMs = oldestOf(byKey.values());
  let evictedMs = Number.NEGATIVE_INFINITY;

  const create = (timeMs: number): Session => ({
    startMs: timeMs,
    lastMs: timeMs,
    states: folds.map(({ aggregate }) => aggregate?.create()),
  });
  const tellOne = (fold: SessionFold<Observation>, session: Session, state: unknown, by: 1 | -1) =>
    fold.emit(state, (name) => fold.count(session.startMs, name, by));
  const tell = (session: Session, by: 1 | -1) => {
    for (const [index, fold] of folds.entries()) tellOne(fold, session, session.states[index], by);
  };
  /** Into a session that has the event's time in it: only what the event itself changes is told. */
  const add = (session: Session, timeMs: number, observation: Observation, told = false) => {
    for (let index = 0; index < folds.length; index++) {
      const fold = folds[index] as SessionFold<Observation>;
      if (fold.aggregate === undefined || (fold.filter !== undefined && !fold.filter(observation))) continue;
      const before = session.states[index];
      if (typeof before === 'number') {
        const after = fold.aggregate.add(before, observation, timeMs);
        if (after === before) continue;
        if (told) tellOne(fold, session, before, -1);
        session.states[index] = after;
      } else {
        if (told) tellOne(fold, session, before, -1);
        session.states[index] = fold.aggregate.add(before, observation, timeMs);
      }
      if (told) tellOne(fold, session, session.states[index], 1);
    }
  };
  const merge = (early: Session, late: Session): Session => ({
    startMs: early.startMs,
    lastMs: late.lastMs,
    states: folds.map(({ aggregate }, index) => aggregate?.merge(early.states[index], late.states[index])),
  });
  /** Anywhere but into the newest session: a new one, an older one, a longer one, or two that become one. */
  const insert = (sessions: Session[], timeMs: number, observation: Observation): SessionOutcome => {
    let at = sessions.length;
    while (at > 0 && (sessions[at - 1] as Session).startMs > timeMs) at--;
    const before = sessions[at - 1];
    const after = sessions[at];
    const joinsBefore = before !== undefined && timeMs - before.lastMs <= gapMs;
    const joinsAfter = after !== undefined && after.startMs - timeMs <= gapMs;
    if (joinsBefore && !joinsAfter) {
      before.lastMs = Math.max(before.lastMs, timeMs);
      add(before, timeMs, observation, true);
      return 'counted';
    }
    if (joinsAfter) tell(after, -1);
    if (joinsBefore) tell(before, -1);
    let session = joinsAfter ? after : create(timeMs);
    if (joinsBefore && joinsAfter) session = merge(before, after);
    session.startMs = Math.min(session.startMs, timeMs);
    add(session, timeMs, observation);
    tell(session, 1);
    const from = joinsBefore ? at - 1 : at;
    sessions.splice(from, (joinsBefore ? 1 : 0) + (joinsAfter ? 1 : 0), session);
    return joinsAfter ? 'revised' : 'counted';
  };

  return {
    observe(key, timeMs, observation) {
      const sessions = byKey.get(key);
      if (sessions === undefined) {
        if (byKey.size >= maxKeys) return 'full';
        const session = create(timeMs);
        add(session, timeMs, observation);
        tell(session, 1);
        byKey.set(key, [session]);
        if (timeMs < oldestStartMs) oldestStartMs = timeMs;
        return 'counted';
      }
      const newest = sessions[sessions.length - 1] as Session;
      if (timeMs >= newest.startMs && timeMs - newest.lastMs <= gapMs) {
        if (timeMs > newest.lastMs) newest.lastMs = timeMs;
        add(newest, timeMs, observation, true);
        return 'counted';
      }
      if (timeMs < oldestStartMs) oldestStartMs = timeMs;
      return insert(sessions, timeMs, observation);
    },
    evict(horizonMs) {
      const stepMs = Math.floor(horizonMs / EVICT_STEP_MS) * EVICT_STEP_MS;
      if (stepMs <= evictedMs) return;
      evictedMs = stepMs;
      // An event at the horizon still reaches a session that ended this long before.
      const reachMs = stepMs - gapMs;
      for (const [key, sessions] of byKey) {
        while (sessions.length > 0 && (sessions[0] as Session).lastMs < reachMs) sessions.shift();
        if (sessions.length === 0) byKey.delete(key);
      }
      oldestStartMs = oldestOf(byKey.values());
    },
    get oldestStartMs() {
      return oldestStartMs;
    },
    save: () => ({
      folds: folds.map(({ id }) => id),
      keys: [...byKey].map(([key, sessions]) => [
        key,
        sessions.map(({ startMs, lastMs, states }) => [
          startMs,
          lastMs,
          ...folds.map(({ aggregate }, index) => aggregate?.encode(states[index]) ?? 0),
        ]),
      ]),
    }),
    get size() {
      return byKey.size;
    },
  };
}

function restore<Observation>(
  folds: readonly SessionFold<Observation>[],
  saved: SavedSessions | undefined,
): Map<string, Session[]> {
  const byKey = new Map<string, Session[]>();
  if (saved === undefined) return byKey;
  const savedAt = folds.map(({ id }) => saved.folds.indexOf(id));
  for (const [key, sessions] of saved.keys) {
    const restored = sessions.map(([startMs, lastMs, ...states]) => ({
      startMs,
      lastMs,
      states: folds.map(({ aggregate }, index) => {
        const state = states[savedAt[index] as number];
        return state === undefined ? aggregate?.create() : aggregate?.decode(state);
      }),
    }));
    byKey.set(key, restored);
    // To a new fold the sessions that go on are new: what it is told later is the difference to this.
    for (const [index, fold] of folds.entries()) {
      if (savedAt[index] !== -1) continue;
      for (const { startMs, states } of restored) fold.emit(states[index], (name) => fold.count(startMs, name, 1));
    }
  }
  return byKey;
}

function oldestOf(all: Iterable<readonly Session[]>): number {
  let oldestMs = Number.POSITIVE_INFINITY;
  for (const [first] of all) if (first !== undefined && first.startMs < oldestMs) oldestMs = first.startMs;
  return oldestMs;
}
