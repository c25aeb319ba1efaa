import { createHash } from 'node:crypto';
import type { AggregateName } from '../../shared/aggregates/index.js';
import type { MetricDescription } from '../../shared/live-catalogue.js';
import { checkLayout } from './check.js';
import { layoutOf, type Window } from './window.js';

/** How much of a metric is shown. */
export interface Emit {
  /** Windows in the series that is shown; by default one. */
  readonly windows?: number;
  /** Most names that are shown, those with the largest values; by default 10. */
  readonly top?: number;
}

/** What every definition of a metric has. */
export interface CommonDefinition {
  readonly name: string;
  /** One sentence for whoever sees the figure. */
  readonly help: string;
  /** What is counted: `views`, `ms`. */
  readonly unit: string;
  readonly window: Window;
  /** By default they are counted. */
  readonly aggregate?: AggregateName;
  readonly emit?: Emit;
  /** To be raised when something changes that is not in the definition's own text, such as a function that it calls. */
  readonly version?: number;
}

/** What readers need to know of a metric: see the catalogue. */
export function describe(definition: CommonDefinition): MetricDescription {
  const { name, help, unit, window, aggregate = 'count', emit } = definition;
  const description = {
    ...{ name, help, unit, aggregate },
    generation: generationOf(definition),
    ...layoutOf(window, emit?.windows ?? 1),
    top: emit?.top ?? 10,
  };
  checkLayout(description);
  return description;
}

/** A short hash of what the figures depend on: everything but how they are shown and told of. */
function generationOf(definition: object): string {
  const shown = new Set(['name', 'help', 'unit', 'emit']);
  const entries = Object.entries(definition).filter(([field]) => !shown.has(field));
  const text = JSON.stringify(entries.sort(), (_field, value: unknown) =>
    typeof value === 'function' ? String(value).replace(/\s+/g, '') : value,
  );
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
