import type { Clock } from '../../../shared/clock.js';
import type { InTurn } from '../../../shared/turns.js';
import type { Load, Queue, SessionHold, Sessions, Unfit } from '../../entities/index.js';
import type { Store } from '../../store/types.js';
import type { DispatchedQueue, Loaded } from '../dispatcher.js';
import { loadSession } from './rows.js';

export interface SessionMessagesDeps {
  readonly store: Store;
  readonly clock: Pick<Clock, 'now'>;
  readonly queue: Queue;
  readonly sessions: Pick<Sessions, 'publishedUpTo' | 'deliveriesBefore'>;
  readonly hold: SessionHold;
  /** Whether the lock on the session lasts: afterwards nothing is handed out. */
  readonly isAlive: () => boolean;
  readonly newToken: () => string;
  readonly inTurn: InTurn;
  /** Removes or dead-letters a message that cannot be delivered. */
  readonly sendOff: (message: Unfit) => void;
}

/** The messages of one session of a queue, as they are handed out to its holder. */
export function createSessionMessages(deps: SessionMessagesDeps) {
  const { store, clock, queue, sessions, hold, isAlive } = deps;
  const { sessionId, lane, tokens } = hold;

  const newToken = () => {
    const token = deps.newToken();
    tokens.add(token);
    return token;
  };

  const dispatched: DispatchedQueue = {
    id: queue.id,
    available: () => (isAlive() ? lane.available() : 0),
    wanted: () => (isAlive() ? lane.wanted(sessions.publishedUpTo()) : undefined),
    loaded: lane.loaded,
    take(nowMs) {
      const taken = queue.take(nowMs, newToken, lane);
      // The locks on the messages are as long as that on the session, whose end may move.
      return taken && 'entry' in taken ? { ...taken, lockedUntilMs: hold.lockedUntilMs } : taken;
    },
    takeAway: (nowMs) => queue.takeAway(nowMs, lane),
    discard: queue.discard,
    giveBack: (token) => (tokens.delete(token) ? queue.giveBack(token) : undefined),
    drop(token) {
      tokens.delete(token);
      return queue.drop(token);
    },
  };

  const load = (wanted: Load): Promise<Loaded> => {
    const deliveriesBefore = (sequence: number) => sessions.deliveriesBefore(sessionId, sequence);
    return loadSession(store, { id: queue.id, sessionId, deliveriesBefore }, wanted);
  };

  /** Sends off what is in front and cannot be delivered. */
  function clearFront(nowMs: number): void {
    for (let front = lane.front(); front !== undefined; front = lane.front()) {
      const fault = queue.unfit(front, nowMs);
      if (fault === undefined) return;
      queue.takeAway(nowMs, lane);
      deps.sendOff(fault);
    }
  }

  return {
    dispatched,
    load,

    /** Reads the first ones; answers whether there are any that can be delivered. */
    async readFirst(): Promise<boolean> {
      for (;;) {
        clearFront(clock.now());
        if (lane.available() > 0) return true;
        const wanted = lane.wanted(sessions.publishedUpTo());
        if (wanted === undefined) return false;
        await deps.inTurn(async () => {
          const { entries, complete } = await load(wanted);
          lane.loaded(wanted, entries, complete);
        });
      }
    },
  };
}
