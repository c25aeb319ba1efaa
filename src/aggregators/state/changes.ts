import type { PaneMetricId } from '../../shared/live-keys.js';
import type { Newest } from '../windows/newest.js';
import type { PaneChange, Panes } from '../windows/panes.js';
import type { LateChange, LateEvents } from './late.js';
import type { MetricPanes } from './pane-metrics.js';
import type { Position } from './saved.js';

/** What changed since the last time, as absolute values. */
export interface StateChanges {
  /** The last hub event that is in the values. */
  readonly position: Position;
  readonly panes: readonly { readonly metric: PaneMetricId; readonly changes: readonly PaneChange[] }[];
  readonly lists: readonly { readonly metric: string; readonly entries: readonly unknown[] }[];
  readonly totals: readonly PaneChange[];
  /** Events that were too late for metrics. */
  readonly late?: LateChange | undefined;
}

/** Everything of a state that is shown. */
export interface ShownParts {
  readonly panes: readonly MetricPanes[];
  readonly lists: readonly {
    readonly name: string;
    readonly newest: Pick<Newest<unknown, unknown>, 'takeDirty' | 'markDirty'>;
  }[];
  readonly totals: Panes;
  readonly late: LateEvents;
}

/** What of a state is yet to be shown. */
export interface Changes {
  /** Undefined when nothing changed. The caller owes a call of `written` or `notWritten` for the result. */
  take(position: Position): StateChanges | undefined;
  written(changes: StateChanges): void;
  notWritten(changes: StateChanges): void;
  /** Everything that is kept has to be written again: the sink lost what it had. */
  markAllDirty(): void;
  /** Panes that wait to be written. */
  readonly unwritten: number;
}

export function createChanges({ panes: allPanes, lists, totals, late }: ShownParts): Changes {
  const panesOf = ({ name }: PaneMetricId): MetricPanes => {
    const found = allPanes.find(({ description }) => description.name === name);
    if (found === undefined) throw new Error(`no metric ${name}`);
    return found;
  };
  return {
    take(position) {
      const changes: StateChanges = {
        position,
        panes: allPanes
          .map(({ description, panes }) => ({ metric: description, changes: panes.takeDirty() }))
          .filter(({ changes }) => changes.length > 0),
        lists: lists.flatMap(({ name, newest }) => {
          const entries = newest.takeDirty();
          return entries === undefined ? [] : [{ metric: name, entries }];
        }),
        totals: totals.takeDirty(),
        late: late.takeDirty(),
      };
      const nothing = changes.panes.length + changes.lists.length + changes.totals.length === 0;
      return nothing ? undefined : changes;
    },
    written(changes) {
      late.written();
      totals.written(changes.totals);
      for (const { metric, changes: paneChanges } of changes.panes) {
        const { panes, keptFromMs } = panesOf(metric);
        panes.written(paneChanges);
        panes.evict(keptFromMs());
      }
    },
    notWritten(changes) {
      late.markAllDirty();
      totals.notWritten(changes.totals);
      for (const { metric, changes: paneChanges } of changes.panes) panesOf(metric).panes.notWritten(paneChanges);
      for (const { name, newest } of lists) {
        if (changes.lists.some(({ metric }) => metric === name)) newest.markDirty();
      }
    },
    markAllDirty() {
      for (const { panes } of allPanes) panes.markAllDirty();
      for (const { newest } of lists) newest.markDirty();
      totals.markAllDirty();
      late.markAllDirty();
    },
    get unwritten() {
      return allPanes.reduce((sum, { panes }) => sum + panes.unwritten, 0);
    },
  };
}
