import type { Panes } from './panes.js';

/**
 * What one event changes in the panes of sessions, as a whole. A session that is changed is counted out and in again;
 * only where less is counted in the end was something taken back that may have been shown, and the pane is revised.
 */
export interface NetChange {
  count(panes: Panes, startMs: number, name: string, by: number): void;
  /** The event is through. */
  apply(): void;
}

interface Change {
  readonly panes: Panes;
  readonly startMs: number;
  readonly name: string;
  by: number;
}

export function createNetChange(): NetChange {
  const changes: Change[] = [];
  return {
    count(panes, startMs, name, by) {
      const known = changes.find((each) => each.startMs === startMs && each.name === name && each.panes === panes);
      if (known === undefined) changes.push({ panes, startMs, name, by });
      else known.by += by;
    },
    apply() {
      if (changes.length === 0) return;
      for (const { panes, startMs, name, by } of changes) {
        if (by !== 0) panes.add(startMs, name, by, startMs);
        if (by < 0) panes.revise(startMs);
      }
      changes.length = 0;
    },
  };
}
