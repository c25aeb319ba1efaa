import type { Hash64 } from '../../shared/siphash.js';
import { createKeys } from '../state/keys.js';
import { withRoom } from '../state/slots.js';
import type { SessionColumns, SessionTable } from './session-table.js';

/** The sessions of each key, in the order of their time: the newest, and from each the one before it. */
export interface SessionChains {
  /** The place of the key, or NONE. */
  find(key: Hash64): number;
  /** A place for a key that has none, with its first session. */
  add(key: Hash64, session: number): void;
  newest(slot: number): number;
  /** Puts a session before another one of the key, or where that is NONE before none: it is the newest then. */
  putBefore(after: number, session: number, slot: number): void;
  /**
   * Forgets sessions that ended before `fromMs`, and keys that have no other.
   * @param onKept called with each that stays
   */
  evict(fromMs: number, onKept: (session: number) => void): void;
  /** A copy, whose sessions are those of a copy of the table. */
  save(): SavedChains;
  readonly size: number;
}

export interface SavedChains {
  /** Pairs of halves, see `Keys`. */
  readonly keys: Uint32Array;
  /** The newest session of each key. */
  readonly newest: Int32Array;
}

/** No session, or no key. */
export const NONE = -1;

/**
 * The saved sessions of each key come one behind the other in the table, so that none that were free are left.
 * @param onRestored called with each session, and with its place in what was saved
 */
export function createSessionChains(
  table: SessionTable,
  saved?: SavedChains & SessionColumns,
  onRestored: (session: number, at: number) => void = () => {},
): SessionChains {
  /** By the key's place. */
  let newest = new Int32Array(0);
  const keys = createKeys((capacity) => {
    newest = withRoom(newest, capacity);
  }, saved?.keys);

  const putBefore = (after: number, session: number, slot: number) => {
    if (after === NONE) newest[slot] = session;
    else table.setPrevious(after, session);
  };
  const restore = (from: SavedChains & SessionColumns) => {
    for (const [slot, newestSaved] of from.newest.entries()) {
      let later = NONE;
      for (let at = newestSaved; at !== NONE; at = from.previous[at] as number) {
        const session = table.create(from.startMs[at] as number, NONE);
        table.reach(session, from.lastMs[at] as number);
        putBefore(later, session, slot);
        later = session;
        onRestored(session, at);
      }
    }
  };
  if (saved !== undefined) restore(saved);

  return {
    find: keys.find,
    add(key, session) {
      // Before `newest` is looked at: a new place may be in a larger one.
      const place = keys.add(key);
      newest[place] = session;
    },
    newest: (slot) => newest[slot] as number,
    putBefore,
    evict(fromMs, onKept) {
      keys.keep((slot) => {
        let kept = NONE;
        let session = newest[slot] as number;
        for (; session !== NONE && table.lastMs(session) >= fromMs; session = table.previous(session)) {
          kept = session;
          onKept(session);
        }
        if (kept !== NONE) table.setPrevious(kept, NONE);
        while (session !== NONE) session = table.free(session);
        return kept !== NONE;
      });
    },
    save: () => ({ keys: keys.save(), newest: keys.dense(newest, 1) }),
    get size() {
      return keys.size;
    },
  };
}
