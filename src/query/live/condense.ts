import { type AggregateResult, aggregateOf } from '../../shared/aggregates/index.js';
import type { MetricDescription } from '../../shared/live-catalogue.js';
import { revised } from './revised.js';
import { rankOf } from './shown.js';

export interface CondenseOptions {
  /** Panes of this time are given as one; no less than one pane. */
  readonly stepMs?: number;
  /** Names kept in a step, the largest; all when undefined. */
  readonly top?: number | undefined;
}

interface CondensedPane {
  readonly values: ReadonlyMap<string, unknown>;
  readonly revision: number;
}

interface Step {
  readonly startMs: number;
  readonly values: Readonly<Record<string, AggregateResult>>;
  /** How often something was taken back in its panes; left out where nothing was. */
  readonly revision?: number;
}

interface Condenser {
  add(startMs: number, pane: CondensedPane): void;
  /** The steps that hold anything, oldest first. */
  steps(): Step[];
}

/** Merges panes to longer ones, without keeping the panes. Pure. */
export function createCondenser(
  { aggregate, paneMs }: Pick<MetricDescription, 'aggregate' | 'paneMs'>,
  fromMs: number,
  options: CondenseOptions,
): Condenser {
  const { merge, result } = aggregateOf(aggregate);
  // Panes start on their own width, whatever the bounds are, and are never cut.
  const firstMs = Math.ceil(fromMs / paneMs) * paneMs;
  const stepMs = Math.max(paneMs, options.stepMs ?? paneMs);
  const steps = new Map<number, { readonly states: Map<string, unknown>; revision: number }>();
  const shown = (states: ReadonlyMap<string, unknown>) => {
    const values = Array.from(states, ([key, state]): [string, AggregateResult] => [key, result(state)]);
    if (options.top === undefined) return values;
    return values.sort(([keyA, a], [keyB, b]) => rankOf(b) - rankOf(a) || (keyA < keyB ? -1 : 1)).slice(0, options.top);
  };
  return {
    add(startMs, { values, revision }) {
      const stepStartMs = firstMs + Math.floor((startMs - firstMs) / stepMs) * stepMs;
      const step = steps.get(stepStartMs) ?? { states: new Map<string, unknown>(), revision: 0 };
      steps.set(stepStartMs, step);
      step.revision += revision;
      const { states } = step;
      for (const [key, state] of values) {
        const known = states.get(key);
        states.set(key, known === undefined ? state : merge(known, state));
      }
    },
    steps: () =>
      [...steps]
        .sort(([a], [b]) => a - b)
        .map(([startMs, { states, revision }]) => ({
          startMs,
          values: Object.fromEntries(shown(states)),
          ...revised(revision),
        })),
  };
}
