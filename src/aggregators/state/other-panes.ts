import type { SavedState } from './saved.js';

type SavedPanes = SavedState['panes'];

/**
 * Panes of metrics that this process does not have: of a definition that was changed, which may come back, or which other
 * processes have while a new version takes their place. Who has the metric again goes on with its panes; if they were left
 * out, it would write what comes late for them over what is shown. Those of session metrics are left out: which sessions
 * are in them is known no more.
 */
export interface OtherPanes {
  /** Those that start at or after this time. */
  save(fromMs: number): SavedPanes;
}

/** @param known ids of the metrics that there are */
export function createOtherPanes(
  known: readonly string[],
  saved?: Pick<SavedState, 'panes'> & { readonly sessions: Pick<SavedState['sessions'], 'folds'> },
): OtherPanes {
  const left = new Set([...known, ...(saved?.sessions.folds ?? [])]);
  let others = Object.entries(saved?.panes ?? {}).filter(([id]) => !left.has(id));
  return {
    save(fromMs) {
      others = others.flatMap(([id, panes]) => {
        const kept = panes.filter(([startMs]) => startMs >= fromMs);
        return kept.length === 0 ? [] : [[id, kept] as const];
      });
      return Object.fromEntries(others);
    },
  };
}
