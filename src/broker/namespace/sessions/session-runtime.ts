import type { PeekedMessage } from '../peek.js';
import { createAcceptor, type Waiting } from './acceptor.js';
import { createHeldSession, type HeldSession, type HeldSessionDeps, type OwnedSession } from './held-session.js';
import { listSessions, type SessionListing } from './list.js';
import { peekSession, type SessionPeek } from './peek.js';
import { searchSessions } from './rows.js';
import { readSessionState, writeSessionState } from './state.js';

export interface SessionRuntimeDeps extends Omit<HeldSessionDeps, 'onEnding'> {
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

const MAX_TIMER_MS = 60_000;
const NEVER = Number.POSITIVE_INFINITY;

export function createSessionRuntime(deps: SessionRuntimeDeps): SessionRuntime {
  const { clock, sessions, queue, store, onError, lockDurationMs } = deps;
  const held = new Map<string, OwnedSession>();
  /** Sessions between two states: being prepared for a receiver, or ending. */
  const busy = new Map<string, Promise<unknown>>();
  let timer: { readonly dueAtMs: number; readonly cancel: () => void } | undefined;
  let stopped = false;
  /** Settings may change while locks last. */
  let longestLockMs = 0;

  function lockEndMs(): number {
    const durationMs = lockDurationMs();
    longestLockMs = Math.max(longestLockMs, durationMs);
    return clock.now() + durationMs;
  }

  function whileBusy(sessionId: string, work: Promise<unknown>): void {
    busy.set(sessionId, work);
    const done = () => {
      if (busy.get(sessionId) === work) busy.delete(sessionId);
    };
    // Whoever waits for the work hears of its failure.
    work.then(done, done);
  }

  function open(sessionId: string, lockedUntilMs: number, owner: unknown): OwnedSession | undefined {
    const hold = sessions.hold(sessionId, lockedUntilMs);
    if (hold === undefined) return undefined;
    const onEnding = (_session: HeldSession, ended: Promise<void>) => {
      held.delete(sessionId);
      whileBusy(sessionId, ended);
      void ended.then(acceptor.wake);
    };
    const session = createHeldSession({ ...deps, onEnding }, hold, owner);
    held.set(sessionId, session);
    return session;
  }

  function onTimer(): void {
    timer = undefined;
    for (const { sessionId } of sessions.ended(clock.now(), longestLockMs)) held.get(sessionId)?.lose();
    schedule();
  }

  function schedule(): void {
    const endMs = sessions.nextEndMs();
    if (stopped || endMs === undefined || endMs === NEVER) return;
    if (timer !== undefined && timer.dueAtMs <= endMs) return;
    timer?.cancel();
    const delayMs = Math.min(Math.max(endMs - clock.now(), 1), MAX_TIMER_MS);
    timer = { dueAtMs: endMs, cancel: clock.setTimer(onTimer, delayMs) };
  }

  /** Whether a session has messages; what cannot be read leaves it to others. */
  async function isPrepared(session: OwnedSession): Promise<boolean> {
    const prepared = session.prepare();
    whileBusy(session.sessionId, prepared);
    try {
      return await prepared;
    } catch (error) {
      session.leave();
      throw error;
    }
  }

  /** Looks for a session that has messages and no holder, and takes it. */
  async function reserve(): Promise<OwnedSession | undefined> {
    while (!stopped) {
      const next = sessions.nextOffered();
      if (next === undefined) return undefined;
      if (typeof next !== 'string') {
        sessions.found(await searchSessions(store, queue.id, next));
        continue;
      }
      const session = open(next, NEVER, undefined);
      if (session === undefined) continue;
      if (await isPrepared(session)) {
        sessions.renew(session.hold, clock.now(), lockEndMs());
        schedule();
        return session;
      }
      session.leave();
    }
    return undefined;
  }

  const acceptor = createAcceptor<OwnedSession>({ clock, reserve, giveUp: (session) => session.leave(), onError });

  return {
    async accept(sessionId, owner) {
      for (;;) {
        const before = busy.get(sessionId);
        if (before !== undefined) {
          await before;
          continue;
        }
        const current = held.get(sessionId);
        if (current?.isAlive()) return undefined;
        if (current !== undefined) {
          current.lose();
          continue;
        }
        const session = open(sessionId, lockEndMs(), owner);
        schedule();
        return session;
      }
    },

    acceptNext(timeoutMs, owner) {
      const { outcome, cancel } = acceptor.wait(timeoutMs);
      const owned = outcome.then((result) => {
        if (result.kind === 'accepted') result.session.owner = owner;
        return result;
      });
      return { outcome: owned, cancel };
    },

    held(sessionId) {
      const session = held.get(sessionId);
      return session?.isAlive() ? session : undefined;
    },

    renew({ sessionId }) {
      const session = held.get(sessionId);
      const untilMs = lockEndMs();
      if (!session?.isAlive() || !sessions.renew(session.hold, clock.now(), untilMs)) return undefined;
      schedule();
      return untilMs;
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
      const session = held.get(sessionId);
      if (session === undefined) acceptor.wake();
      else session.demandChanged();
    },

    stop() {
      stopped = true;
      timer?.cancel();
      acceptor.stop();
      for (const session of held.values()) session.leave();
    },
  };
}
