import type { Write } from '../../store/types.js';
import type { Lane } from './lane.js';
import { sessionDeliveredWrite } from './rows.js';

interface Held {
  readonly sessionId: string;
  readonly lane: Lane;
  /** What the store says of the session, or will with the next batch. */
  deliveredBelow: number;
}

/**
 * Below which number the messages of a session were delivered once, as the state of a queue says it of those of a queue:
 * one small row for each session that is held, written with the next batch. Once a session is free nothing in it is out,
 * and the row goes, unless it tells of deliveries of an earlier life.
 */
export function createDelivered(earlier: ReadonlyMap<string, number>) {
  const inherited = new Map(earlier);
  const dirty = new Set<Held>();
  /** Of sessions that were given back. */
  const rows = new Map<string, number | undefined>();

  return {
    /** What an earlier life knew. */
    inherited: (sessionId: string): number => inherited.get(sessionId) ?? 0,

    took: (held: Held): void => void dirty.add(held),

    released(held: Held): void {
      const { sessionId, lane } = held;
      dirty.delete(held);
      const before = inherited.get(sessionId) ?? 0;
      const kept = lane.first() < before ? before : 0;
      if (kept === 0) inherited.delete(sessionId);
      if (held.deliveredBelow !== kept) rows.set(sessionId, kept === 0 ? undefined : kept);
    },

    /** What has to be written with the next batch. */
    takeWrites(id: number): Write[] {
      for (const held of dirty) {
        const below = held.lane.firstUndelivered();
        if (below <= held.deliveredBelow) continue;
        held.deliveredBelow = below;
        rows.set(held.sessionId, below);
      }
      dirty.clear();
      const writes = [...rows].map(([sessionId, below]) => sessionDeliveredWrite(id, sessionId, below));
      rows.clear();
      return writes;
    },
  };
}
