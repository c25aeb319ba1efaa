import { type Aggregate, aggregateOf } from '../shared/aggregates/index.js';
import { type MetricDescription, shownPanes } from '../shared/live-catalogue.js';
import { AHEAD_PANES, SESSION_GAP_MS } from '../shared/live-keys.js';
import { descriptions } from './metrics/index.js';
import type { StateChanges } from './state/changes.js';
import type { PaneChange } from './windows/panes.js';

interface PartitionPane {
  readonly values: Map<string, number | string>;
  revision: number;
}

/** What Redis would have of one partition, as far as it is shown. */
export interface PartitionFigures {
  readonly panes: ReadonlyMap<string, ReadonlyMap<number, PartitionPane>>;
  readonly lists: ReadonlyMap<string, string>;
  write(changes: StateChanges): void;
}

/** The first and the last pane of a metric that is looked at for the figures as of a time. */
function shownAt(
  description: MetricDescription,
  asOfMs: number,
): { readonly firstMs: number; readonly lastMs: number } {
  const { paneMs } = description;
  const currentMs = asOfMs - (asOfMs % paneMs);
  const backMs = Math.max(shownPanes(description) * paneMs, SESSION_GAP_MS);
  return { firstMs: currentMs - backMs, lastMs: currentMs + AHEAD_PANES * paneMs };
}

/** Of panes that the figures as of `asOfMs` do not show nothing is kept. */
export function createPartitionFigures(asOfMs: number): PartitionFigures {
  const shown = new Map(descriptions.map((description) => [description.name, shownAt(description, asOfMs)]));
  const panes = new Map<string, Map<number, PartitionPane>>();
  const lists = new Map<string, string>();
  const writePane = (kept: Map<number, PartitionPane>, { startMs, names, values, revision }: PaneChange) => {
    const pane = kept.get(startMs) ?? { values: new Map(), revision: 0 };
    kept.set(startMs, pane);
    pane.revision = revision ?? pane.revision;
    for (const [index, name] of names.entries()) {
      const value = values[index] as number | string;
      if (value === 0) pane.values.delete(name);
      else pane.values.set(name, value);
    }
  };
  return {
    panes,
    lists,
    write(changes) {
      for (const { metric, changes: changed } of changes.panes) {
        const kept = panes.get(metric.name) ?? new Map<number, PartitionPane>();
        panes.set(metric.name, kept);
        const { firstMs, lastMs } = shown.get(metric.name) as ReturnType<typeof shownAt>;
        for (const change of changed)
          if (change.startMs >= firstMs && change.startMs <= lastMs) writePane(kept, change);
      }
      for (const { metric, entries } of changes.lists) lists.set(metric, JSON.stringify(entries));
    },
  };
}

interface Pane {
  readonly values: Map<string, unknown>;
  revision: number;
}

/** What the live figures are read from, as readers of Redis have it: added up over the partitions. */
export interface ComputedFigures {
  catalogue(): Promise<ReadonlyMap<string, MetricDescription>>;
  readPanes(metric: MetricDescription, startsMs: readonly number[]): Promise<ReadonlyMap<number, Pane>>;
  readTexts(metric: string): Promise<ReadonlyMap<string, string>>;
}

export function createComputedFigures(): ComputedFigures & {
  add(partitionId: string, figures: PartitionFigures): void;
} {
  const totals = new Map(
    [...descriptions]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((description) => [description.name, { description, panes: new Map<number, Pane>() }]),
  );
  const lists = new Map<string, Map<string, string>>();
  const addPane = (aggregate: Aggregate, pane: Pane, { values, revision }: PartitionPane) => {
    pane.revision += revision;
    for (const [name, encoded] of values) {
      const state = aggregate.decode(encoded);
      const known = pane.values.get(name);
      pane.values.set(name, known === undefined ? state : aggregate.merge(known, state));
    }
  };
  return {
    add(partitionId, figures) {
      for (const [name, { description, panes }] of totals) {
        const aggregate = aggregateOf(description.aggregate);
        for (const [startMs, pane] of figures.panes.get(name) ?? []) {
          const known = panes.get(startMs) ?? { values: new Map(), revision: 0 };
          panes.set(startMs, known);
          addPane(aggregate, known, pane);
        }
      }
      for (const [metric, text] of figures.lists) {
        const ofMetric = lists.get(metric) ?? new Map<string, string>();
        lists.set(metric, ofMetric.set(partitionId, text));
      }
    },
    catalogue: async () => new Map([...totals].map(([name, { description }]) => [name, description])),
    async readPanes({ name }, startsMs) {
      const panes = totals.get(name)?.panes;
      return new Map(
        startsMs.flatMap((startMs) => {
          const pane = panes?.get(startMs);
          return pane === undefined ? [] : [[startMs, pane] as const];
        }),
      );
    },
    readTexts: async (metric) => lists.get(metric) ?? new Map<string, string>(),
  };
}
