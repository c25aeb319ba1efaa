import type { Panes } from './panes.js';

/**
 * What one event changes in the panes of sessions, as a whole. A session that is changed is counted out and in again;
 * only where less is counted in the end was something taken back that may have been shown, and the pane is revised.
 */
export interface NetChange {
  count(counted: Counted, by: 1 | -1): void;
  /** The event is through. */
  apply(): void;
}

/** Something that a session counts for. */
export interface Counted {
  readonly panes: Panes;
  readonly startMs: number;
  readonly name: string;
  readonly input: unknown;
  readonly timeMs: number;
}

interface Change extends Counted {
  by: number;
}

export function createNetChange(): NetChange {
  const changes: Change[] = [];
  const isSameCounter = (a: Counted, b: Counted) => a.startMs === b.startMs && a.name === b.name && a.panes === b.panes;
  const isSame = (a: Counted, b: Counted) => a.input === b.input && a.timeMs === b.timeMs && isSameCounter(a, b);
  const applyOne = ({ panes, startMs, name, input, timeMs, by }: Change) => {
    for (let times = by; times < 0; times++) panes.retract(startMs, name, input, timeMs);
    for (let times = by; times > 0; times--) panes.add(startMs, name, input, timeMs);
  };
  /** Told of the first change of each counter alone. */
  const isLess = (change: Change): boolean => {
    const ofCounter = changes.filter((each) => isSameCounter(each, change));
    return ofCounter[0] === change && ofCounter.reduce((sum, { by }) => sum + by, 0) < 0;
  };
  return {
    count(counted, by) {
      const known = changes.find((each) => isSame(each, counted));
      if (known === undefined) changes.push({ ...counted, by });
      else known.by += by;
    },
    apply() {
      if (changes.length === 0) return;
      for (const change of changes) {
        applyOne(change);
        if (isLess(change)) change.panes.revise(change.startMs);
      }
      changes.length = 0;
    },
  };
}
