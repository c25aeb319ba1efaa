import { emptyLane, type LaneState } from './lane-state.js';

export interface SpoolReport {
  readonly records: number;
  readonly bytes: number;
  /** How long the oldest record has been waiting. */
  readonly oldestMs: number;
}

export const laneName = (destination: string, part: string): string => `${destination}/${part}`;
/** The name of a topic may have slashes of its own. */
export const destinationOf = (lane: string): string => lane.slice(0, lane.lastIndexOf('/'));

/** All lanes that are known, by name, and what they make together for their destinations. Pure. */
export function createLanes() {
  const lanes = new Map<string, LaneState>();

  const stateOf = (lane: string): LaneState => {
    const state = lanes.get(lane) ?? emptyLane();
    lanes.set(lane, state);
    return state;
  };

  return {
    stateOf,
    all: (): ReadonlyMap<string, LaneState> => lanes,

    /** What was counted anew. At once: a lane that looked empty for a moment would send past what it has. */
    becomes(found: ReadonlyMap<string, LaneState>): void {
      for (const [lane, state] of found) Object.assign(stateOf(lane), state);
    },

    isEmpty: (): boolean => [...lanes.values()].every(({ records }) => records === 0),
    hasSetAside: (): boolean => [...lanes.values()].some(({ asideAtMs }) => asideAtMs.length > 0),

    /** All destinations that something waits for. */
    destinations: (): readonly string[] => [
      ...new Set([...lanes].flatMap(([name, { records }]) => (records === 0 ? [] : [destinationOf(name)]))),
    ],

    /** The parts of a destination that something waits in. */
    partsOf: (destination: string): readonly string[] =>
      [...lanes].flatMap(([name, { records }]) =>
        records > 0 && destinationOf(name) === destination ? [name.slice(destination.length + 1)] : [],
      ),

    report(destination: string, nowMs: number): SpoolReport {
      let [records, bytes, oldestAtMs] = [0, 0, Number.POSITIVE_INFINITY];
      for (const [name, state] of lanes) {
        if (destinationOf(name) !== destination) continue;
        records += state.records;
        bytes += state.bytes;
        oldestAtMs = Math.min(oldestAtMs, state.oldestAtMs ?? Number.POSITIVE_INFINITY);
      }
      return { records, bytes, oldestMs: Math.max(0, Number.isFinite(oldestAtMs) ? nowMs - oldestAtMs : 0) };
    },
  };
}
