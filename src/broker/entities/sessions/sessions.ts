import type { Write } from '../../store/types.js';
import type { Load, QueueEntry, QueueState } from '../queue/types.js';
import { createDelivered } from './delivered.js';
import { createHolds } from './holds.js';
import { createLane, type Lane } from './lane.js';
import { createOffers, type SessionSearch, type SessionsFound } from './offers.js';

/** A session in the hands of one receiver. The locks on its messages end with the lock on the session. */
export interface SessionHold {
  readonly sessionId: string;
  lockedUntilMs: number;
  readonly lane: Lane;
  /** Of the messages that its holder has. */
  readonly tokens: Set<string>;
  /** Its messages below were delivered, as far as the store will know with the next batch. */
  deliveredBelow: number;
}

interface SessionBounds {
  /** Messages of a held session that wait in memory. */
  readonly messages: number;
  /** Records of such messages, of all held sessions together. */
  readonly recordBytes: number;
  /** Sessions that wait in memory for a receiver that takes any. */
  readonly offered: number;
}

const BOUNDS: SessionBounds = { messages: 64, recordBytes: 8 * 1024 * 1024, offered: 4096 };

export type Sessions = ReturnType<typeof createSessions>;

/**
 * Who has which session of a queue, and what waits for the holders. Pure: it is told the time, and never reads by itself.
 * In memory are the sessions that are held, each with a window of its messages, and a bounded list of those that are
 * offered. All others are only in the store, in the rows of their messages.
 */
export function createSessions(
  initial: QueueState,
  bounds: SessionBounds = BOUNDS,
  earlier: ReadonlyMap<string, number> = new Map(),
) {
  /** Everything below is durable and may be delivered. */
  let published = initial.nextSequence;
  const budget = { freeBytes: bounds.recordBytes };
  const holds = createHolds<SessionHold>();
  const offers = createOffers(initial.count > 0, bounds.offered);
  const delivered = createDelivered(earlier);

  const sessionOf = ({ sessionId }: QueueEntry): string => sessionId ?? '';

  return {
    // A queue with sessions has no messages for who does not name one.
    available: () => 0,
    next: (): QueueEntry | undefined => undefined,
    wanted: (): Load | undefined => undefined,
    loaded(_load: Load, _entries: readonly QueueEntry[], _complete: boolean): void {},
    /** Anywhere there may be messages that are in the store alone: `view` tells. */
    ahead: () => ({ fromSequence: 0, toSequence: published }),
    takeExpired: (nowMs: number): QueueEntry[] => [...holds.values()].flatMap(({ lane }) => lane.takeExpired(nowMs)),
    *entries(): Iterable<QueueEntry> {
      for (const { lane } of holds.values()) yield* lane.entries();
    },

    /**
     * Who holds which session now. It is taken before messages are read from the store; afterwards it tells of each whether
     * it still is in the store alone: nobody has or had it in memory since. Nothing may be loaded meanwhile.
     */
    view() {
      const before = new Map([...holds.values()].map((hold) => [hold.sessionId, hold]));
      return {
        isStoredAlone(sessionId: string, sequence: number): boolean {
          const [was, is] = [before.get(sessionId), holds.get(sessionId)];
          if (was !== undefined && was !== is) return false;
          return is === undefined || !is.lane.hasSeen(sequence);
        },
      };
    },
    firstUndelivered: (): number => 0,
    /** What is in the store is not known without reading it. */
    first: (): number => initial.firstSequence,

    /** A new message is durable: its holder gets it, or its session is offered. Called in order of sequence number. */
    publish(entry: QueueEntry): void {
      published = entry.sequence + 1;
      const hold = holds.get(sessionOf(entry));
      if (hold === undefined) offers.offer(sessionOf(entry));
      else hold.lane.publish(entry);
    },

    publishedUpTo: (): number => published,

    /** A message that was taken goes back in its place. */
    putBack(entry: QueueEntry): void {
      const hold = holds.get(sessionOf(entry));
      if (hold === undefined) offers.offer(sessionOf(entry));
      else hold.lane.putBack(entry);
    },

    /** Gives a session to a receiver; undefined when another one has it. */
    hold(sessionId: string, lockedUntilMs: number): SessionHold | undefined {
      if (holds.get(sessionId) !== undefined) return undefined;
      const lane = createLane(published, bounds.messages, budget);
      const deliveredBelow = delivered.inherited(sessionId);
      const hold = { sessionId, lockedUntilMs, lane, tokens: new Set<string>(), deliveredBelow };
      holds.add(hold);
      return hold;
    },

    holder: holds.get,

    /** The holder gives the session back: it is offered again when it may have messages. */
    release(hold: SessionHold): void {
      if (!holds.remove(hold)) return;
      if (hold.lane.available() > 0 || hold.lane.isBehind()) offers.offer(hold.sessionId);
      delivered.released(hold);
      hold.lane.clear();
    },

    /** A message of a held session is on its way to the holder. */
    took(entry: QueueEntry): void {
      const hold = holds.get(sessionOf(entry));
      if (hold !== undefined) delivered.took(hold);
    },

    /** Messages of a session below were delivered once, unless they have a delivery count of their own. */
    deliveredBelow: (sessionId: string): number =>
      holds.get(sessionId)?.deliveredBelow ?? delivered.inherited(sessionId),

    /** What a message counts that is read from the store without a delivery count. */
    deliveriesBefore: (sessionId: string, sequence: number): number =>
      sequence < delivered.inherited(sessionId) ? 1 : 0,

    takeWrites: (id: number): Write[] => delivered.takeWrites(id),

    /** Extends the lock on a session; false when it has ended. */
    renew(hold: SessionHold, nowMs: number, lockedUntilMs: number): boolean {
      if (holds.get(hold.sessionId) !== hold || hold.lockedUntilMs <= nowMs) return false;
      holds.renew(hold, lockedUntilMs);
      return true;
    },

    nextEndMs: holds.nextEndMs,
    ended: holds.ended,

    /** The next session for a receiver that takes any; a search where the store has to be asked. */
    nextOffered(): string | SessionSearch | undefined {
      for (;;) {
        const next = offers.next(published);
        if (typeof next !== 'string' || holds.get(next) === undefined) return next;
      }
    },

    /** Answers a search. */
    found({ sessionIds, last }: SessionsFound): void {
      offers.found({ sessionIds: sessionIds.filter((sessionId) => holds.get(sessionId) === undefined), last });
    },
  };
}
