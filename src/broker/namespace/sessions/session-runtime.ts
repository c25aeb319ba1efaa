import type { PeekedMessage } from '../peek.js';
import { createAcceptor, type Waiting } from './acceptor.js';
import type { HeldSession, OwnedSession } from './held-session.js';
import { createHoldings, type HoldingsDeps } from './holdings.js';
import { listSessions, type SessionListing } from './list.js';
import { createLockEnds } from './lock-ends.js';
import { peekSession, type SessionPeek } from './peek.js';
import { searchSessions } from './rows.js';
import { readSessionState, writeSessionState } from './state.js';

export interface SessionRuntimeDeps extends Omit<HoldingsDeps, 'onFree'> {
  readonly lockDurationMs: () => number;
}

/** The sessions of a queue or subscription that requires them. */
export interface SessionRuntime {
  /** Takes a session, also one without messages; undefined when another receiver has it. */
  accept(sessionId: string, owner: unknown): Promise<HeldSession | undefined>;
  /** Takes the next session that has messages, as soon as there is one. */
  acceptNext(timeoutMs: number, owner: unknown): Waiting<HeldSession>;
  /** The session while its lock lasts. */
  held(sessionId: string): HeldSession | undefined;
  /** Extends the lock on a session and answers its new end; undefined when it has ended. */
  renew(session: HeldSession): number | undefined;
  peek(peek: Omit<SessionPeek, 'deliveriesBefore'>): Promise<PeekedMessage[]>;
  list(listing: SessionListing): Promise<string[]>;
  state(session: HeldSession): Promise<Buffer | undefined>;
  /** Keeps a state with a session; resolves when it is durable. */
  setState(session: HeldSession, state: Buffer | undefined): Promise<void>;
  /** New messages are there for a session. */
  arrived(sessionId: string): void;
  stop(): void;
}

const NEVER = Number.POSITIVE_INFINITY;

export function createSessionRuntime(deps: SessionRuntimeDeps): SessionRuntime {
  const { clock, sessions, queue, store, onError, lockDurationMs } = deps;
  const holdings = createHoldings({ ...deps, onFree: () => acceptor.wake() });
  const locks = createLockEnds({
    ...{ clock, sessions, lockDurationMs },
    onEnded: (sessionId) => holdings.get(sessionId)?.lose(),
  });
  let stopped = false;

  /** Looks for a session that has messages and no holder, and takes it. */
  async function reserve(): Promise<OwnedSession | undefined> {
    while (!stopped) {
      const next = sessions.nextOffered();
      if (next === undefined) return undefined;
      if (typeof next !== 'string') {
        sessions.found(await searchSessions(store, queue.id, next));
        continue;
      }
      const session = holdings.open(next, NEVER, undefined);
      if (session === undefined) continue;
      if (await holdings.prepare(session)) {
        locks.renew(session.hold);
        return session;
      }
      session.leave();
    }
    return undefined;
  }

  const acceptor = createAcceptor<OwnedSession>({ clock, reserve, giveUp: (session) => session.leave(), onError });

  /** The session while its lock lasts. */
  function alive(sessionId: string): OwnedSession | undefined {
    const session = holdings.get(sessionId);
    return session?.isAlive() ? session : undefined;
  }

  async function accept(sessionId: string, owner: unknown): Promise<HeldSession | undefined> {
    for (let before = holdings.busy(sessionId); before !== undefined; before = holdings.busy(sessionId)) await before;
    if (alive(sessionId) !== undefined) return undefined;
    const ended = holdings.get(sessionId);
    if (ended !== undefined) {
      ended.lose();
      return accept(sessionId, owner);
    }
    const session = holdings.open(sessionId, locks.endMs(), owner);
    locks.watch();
    return session;
  }

  return {
    accept,

    acceptNext(timeoutMs, owner) {
      const { outcome, cancel } = acceptor.wait(timeoutMs);
      const owned = outcome.then((result) => {
        if (result.kind === 'accepted') result.session.owner = owner;
        return result;
      });
      return { outcome: owned, cancel };
    },

    held: alive,

    renew({ sessionId }) {
      const session = alive(sessionId);
      return session && locks.renew(session.hold);
    },

    peek(peek) {
      const deliveriesBefore = (sequence: number) => sessions.deliveriesBefore(peek.sessionId, sequence);
      return peekSession(store, queue.id, { ...peek, deliveriesBefore });
    },
    list: (listing) => listSessions(store, queue.id, listing),
    state: ({ sessionId }) => readSessionState(store, queue.id, sessionId),
    setState: ({ sessionId }, state) =>
      writeSessionState({ store, id: queue.id, nowMs: clock.now() }, sessionId, state),

    arrived(sessionId) {
      const session = holdings.get(sessionId);
      if (session === undefined) acceptor.wake();
      else session.demandChanged();
    },

    stop() {
      stopped = true;
      locks.stop();
      acceptor.stop();
      for (const session of holdings.all()) session.leave();
    },
  };
}
