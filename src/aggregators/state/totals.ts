import { aggregateOf } from '../../shared/aggregates/index.js';
import { addOnly } from '../windows/pane-aggregate.js';
import { createPanes, type Panes, type SavedPane } from '../windows/panes.js';

/** The running totals of a partition: see `totalNames`. */
export interface Totals {
  readonly panes: Panes;
  add(name: string, by?: number): void;
}

/** They are in one pane, which is never over. */
const PANE = 0;
const MANY = Number.POSITIVE_INFINITY;

export function createTotals(saved?: readonly SavedPane[]): Totals {
  const bounds = { maxNamesPerPane: MANY, maxNames: MANY, maxCharacters: MANY };
  const panes = createPanes(addOnly(aggregateOf('count')), bounds, saved);
  return { panes, add: (name, by = 1) => panes.add(PANE, name, by, 0) };
}
