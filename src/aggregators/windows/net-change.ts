import type { Panes } from './panes.js';

/**
 * What one event changes in the panes of a metric of sessions, as a whole. A session that is changed is counted out and
 * in again; only where less is counted in the end was something taken back that may have been shown, and the pane is
 * revised.
 */
export interface NetChange {
  count(change: Change): void;
  /** The event is through. */
  apply(): void;
}

/** Something that a session counts for, or counts for no more. It is kept, and changed. */
interface Change {
  readonly startMs: number;
  readonly name: string;
  readonly input: unknown;
  readonly timeMs: number;
  by: number;
}

export function createNetChange(panes: Panes): NetChange {
  const changes: Change[] = [];
  const applyOne = ({ startMs, name, input, timeMs, by }: Change) => {
    for (let times = by; times < 0; times++) panes.retract(startMs, name, input, timeMs);
    for (let times = by; times > 0; times--) panes.add(startMs, name, input, timeMs);
  };
  return {
    count(change) {
      for (const known of changes) {
        if (isSame(known, change)) {
          known.by += change.by;
          return;
        }
      }
      changes.push(change);
    },
    apply() {
      if (changes.length === 0) return;
      for (const change of changes) {
        applyOne(change);
        if (change.by < 0 && isLess(change, changes)) panes.revise(change.startMs);
      }
      changes.length = 0;
    },
  };
}

const isSameCounter = (a: Change, b: Change) => a.startMs === b.startMs && a.name === b.name;
const isSame = (a: Change, b: Change) => a.input === b.input && a.timeMs === b.timeMs && isSameCounter(a, b);

/** Whether less is counted in the counter of this change. Of several that take something from it the first alone tells. */
function isLess(change: Change, changes: readonly Change[]): boolean {
  if (changes.find((each) => each.by < 0 && isSameCounter(each, change)) !== change) return false;
  let sum = 0;
  for (const each of changes) if (isSameCounter(each, change)) sum += each.by;
  return sum < 0;
}
