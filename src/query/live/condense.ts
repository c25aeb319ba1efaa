import { type AggregateResult, aggregateOf } from '../../shared/aggregates/index.js';
import type { MetricDescription } from '../../shared/live-catalogue.js';
import { invalidQuery } from './answer.js';
import { revised } from './revised.js';
import { largest } from './shown.js';

export interface CondenseOptions {
  /** Panes of this time are given as one; no less than one pane. */
  readonly stepMs?: number;
  /** Names kept in a step, the largest; all when undefined. */
  readonly top?: number | undefined;
  /** Most values in the answer, and in the step that is being put together. */
  readonly maxValues?: number;
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
  /**
   * Panes come oldest first.
   * @throws QueryError PS_QUERY_INVALID when there are more values than an answer may have.
   */
  add(startMs: number, pane: CondensedPane): void;
  /** The steps that hold anything, oldest first. */
  steps(): Step[];
}

/** Some 100 MB while they are put together. Names come from clients, and a minute may have tens of thousands. */
const MAX_VALUES = 500_000;

/** Merges panes to longer ones, without keeping the panes. Pure. */
export function createCondenser(
  { aggregate, paneMs }: Pick<MetricDescription, 'aggregate' | 'paneMs'>,
  fromMs: number,
  { stepMs: wantedMs = paneMs, top, maxValues = MAX_VALUES }: CondenseOptions,
): Condenser {
  const { merge, result } = aggregateOf(aggregate);
  // Panes start on their own width, whatever the bounds are, and are never cut.
  const firstMs = Math.ceil(fromMs / paneMs) * paneMs;
  const stepMs = Math.max(paneMs, wantedMs);
  const done: Step[] = [];
  let held = 0;
  let open: { readonly startMs: number; readonly states: Map<string, unknown>; revision: number } | undefined;

  const shown = (states: ReadonlyMap<string, unknown>) => {
    const values = Array.from(states, ([key, state]) => [key, result(state)] as const);
    return top === undefined ? values : largest(values, top);
  };
  const finish = () => {
    if (open === undefined) return;
    const { startMs, states, revision } = open;
    const values = shown(states);
    held += values.length;
    done.push({ startMs, values: Object.fromEntries(values), ...revised(revision) });
    open = undefined;
  };
  return {
    add(paneStartMs, { values, revision }) {
      const startMs = firstMs + Math.floor((paneStartMs - firstMs) / stepMs) * stepMs;
      if (open?.startMs !== startMs) finish();
      open ??= { startMs, states: new Map<string, unknown>(), revision: 0 };
      open.revision += revision;
      const { states } = open;
      for (const [key, state] of values) {
        const known = states.get(key);
        states.set(key, known === undefined ? state : merge(known, state));
      }
      if (held + states.size > maxValues) {
        throw invalidQuery('query', `more than ${maxValues} values: ask for less time, or for fewer names with "top"`);
      }
    },
    steps() {
      finish();
      return done;
    },
  };
}
