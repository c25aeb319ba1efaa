import type { Sessions } from '../../entities/index.js';
import { createHeldSession, type HeldSession, type HeldSessionDeps, type OwnedSession } from './held-session.js';

export interface HoldingsDeps extends Omit<HeldSessionDeps, 'onEnding'> {
  readonly sessions: Sessions;
  /** A session has no holder any more. */
  readonly onFree: () => void;
}

/** The sessions that are held, and those between two states: being prepared for a receiver, or ending. */
export function createHoldings(deps: HoldingsDeps) {
  const held = new Map<string, OwnedSession>();
  const busy = new Map<string, Promise<unknown>>();

  function whileBusy(sessionId: string, work: Promise<unknown>): void {
    busy.set(sessionId, work);
    const done = () => {
      if (busy.get(sessionId) === work) busy.delete(sessionId);
    };
    // Whoever waits for the work hears of its failure.
    work.then(done, done);
  }

  const onEnding = ({ sessionId }: HeldSession, ended: Promise<void>) => {
    held.delete(sessionId);
    whileBusy(sessionId, ended);
    void ended.then(deps.onFree);
  };

  return {
    get: (sessionId: string): OwnedSession | undefined => held.get(sessionId),
    all: (): Iterable<OwnedSession> => held.values(),

    /** What a session is between two states for; undefined when it is in one. */
    busy: (sessionId: string): Promise<unknown> | undefined => busy.get(sessionId),

    /** Takes a session; undefined when somebody has it. */
    open(sessionId: string, lockedUntilMs: number, owner: unknown): OwnedSession | undefined {
      const hold = deps.sessions.hold(sessionId, lockedUntilMs);
      if (hold === undefined) return undefined;
      const session = createHeldSession({ ...deps, onEnding }, hold, owner);
      held.set(sessionId, session);
      return session;
    },

    /** Whether a session that was just taken has messages; what cannot be read leaves it to others. */
    async prepare(session: OwnedSession): Promise<boolean> {
      const prepared = session.prepare();
      whileBusy(session.sessionId, prepared);
      try {
        return await prepared;
      } catch (error) {
        session.leave();
        throw error;
      }
    },
  };
}
