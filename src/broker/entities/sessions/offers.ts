import { createFifo } from '../fifo.js';

/** A part of a walk through the sessions that have messages in the store, in the order of their keys. */
export interface SessionSearch {
  /** The session after which to look; undefined for the first. */
  readonly after: string | undefined;
  /** Only sessions whose first message has a lower number are looked for: so every walk comes to its end. */
  readonly belowSequence: number;
}

export interface SessionsFound {
  readonly sessionIds: readonly string[];
  /** Where the next part begins; undefined when the walk is at its end. */
  readonly last: string | undefined;
}

/**
 * The sessions that are offered to receivers which take any: those that have messages and no holder. Up to a bound they
 * wait in memory, first come, first served. Beyond it new ones are only in the store, and are found by walks through it,
 * one after the other, each of which goes on where it was left: so no session is passed over for ever.
 */
export function createOffers(anyInStore: boolean, bound: number) {
  const waiting = createFifo<string>();
  const listed = new Set<string>();
  /** Whether sessions may have messages that are neither listed nor held. */
  let unlisted = anyInStore;
  /** Whether that came to be since the walk began, so that another one has to follow. */
  let unlistedSince = false;
  let walk: SessionSearch | undefined;

  function list(sessionId: string): void {
    if (listed.has(sessionId)) return;
    listed.add(sessionId);
    waiting.push(sessionId);
  }

  return {
    /** A session has messages and nobody holds it. */
    offer(sessionId: string): void {
      if (listed.has(sessionId)) return;
      // While there are unlisted ones, a listed newcomer would go before them.
      if (!unlisted && waiting.length < bound) list(sessionId);
      else {
        unlisted = true;
        unlistedSince = true;
      }
    },

    /** The next session to try; a search where the store has to be asked; undefined when there is none. */
    next(publishedUpTo: number): string | SessionSearch | undefined {
      const sessionId = waiting.shift();
      if (sessionId !== undefined) {
        listed.delete(sessionId);
        return sessionId;
      }
      if (!unlisted) return undefined;
      if (walk === undefined) {
        unlistedSince = false;
        walk = { after: undefined, belowSequence: publishedUpTo };
      }
      return walk;
    },

    /** Answers a search; sessions that are held by now are to be left out. */
    found({ sessionIds, last }: SessionsFound): void {
      for (const sessionId of sessionIds) list(sessionId);
      walk = walk && last !== undefined ? { ...walk, after: last } : undefined;
      if (walk === undefined) unlisted = unlistedSince;
    },
  };
}
