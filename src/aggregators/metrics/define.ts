import type { PenstockEvent } from '../../events/index.js';
import type { MetricDescription } from '../../shared/live-catalogue.js';
import type { ListMetric } from '../../shared/live-keys.js';
import type { Visit } from '../state/visitors.js';
import type { NewestOptions } from '../windows/newest.js';
import { checkMetric } from './check.js';
import { type CommonDefinition, describe } from './describe.js';
import { countUnder, inputsFrom, NO_KEY } from './inputs.js';
import type { EventWindow } from './window.js';

/** What is known about an event when a metric looks at it. Reused for the next event: nothing may keep it. */
export interface Observation {
  event: PenstockEvent;
  timeMs: number;
  /** When the event reached the hub … */
  enqueuedAtMs: number;
  /** … and whether that is to the millisecond: files of Capture have seconds. */
  enqueuedToMs: boolean;
  /** anonymousId, else userId; undefined when the event names nobody. */
  visitor: string | undefined;
  visit: Visit | undefined;
}

/** Adds to the counter of `name`, by default in the event's own pane. */
export type Count = (name: string, input?: unknown, paneMs?: number) => void;

interface MetricDefinition extends CommonDefinition {
  readonly window: EventWindow;
  /** Which events it is about; by default all. */
  readonly filter?: (observation: Observation) => boolean;
  /**
   * Under which names the event is counted, by default one name for all: a text or number, or several. Empty names and
   * anything else are left out.
   */
  readonly key?: (observation: Observation) => unknown;
  /**
   * What is aggregated, by all but `count`: a number, or a text for `distinct`, `top`, `first` and `last`. Undefined is
   * left out.
   */
  readonly value?: (observation: Observation) => number | string | undefined;
  /** Events further behind their partition's watermark are left out; by default, and at the most, what holds for all. */
  readonly latenessMs?: number;
}

/** A metric that keeps panes of aggregates. `observe` is pure, and is asked about late events as well. */
export interface PaneMetric {
  readonly kind: 'panes';
  readonly description: MetricDescription;
  readonly latenessMs: number;
  observe(observation: Observation, count: Count): void;
}

/** A metric that keeps the newest few entries, one for each key. An event without a key is not listed. */
export interface ListMetricDefinition<T = unknown> extends NewestOptions<PenstockEvent, T> {
  readonly kind: 'list';
  readonly name: ListMetric;
  keyOf(observation: Observation): string | undefined;
}

/**
 * A metric: which events it is about, under which names they count, what is made of their values, in which windows, and
 * how much of it is shown. This is all that it takes: the API, Prometheus and the dashboard know it from here.
 */
export function defineMetric(definition: MetricDefinition): PaneMetric {
  const { filter, key, value, aggregate = 'count', latenessMs = Number.POSITIVE_INFINITY } = definition;
  const inputOf = inputsFrom(aggregate, value);
  const observe = (observation: Observation, count: Count) => {
    if (filter !== undefined && !filter(observation)) return;
    const input = inputOf(observation);
    if (input === undefined) return;
    if (key === undefined) return count(NO_KEY, input);
    countUnder(key(observation), input, count);
  };
  checkMetric(definition);
  return { kind: 'panes', description: describe(definition), latenessMs, observe };
}

/** A metric that says itself what it counts, and where; `version` stands for its code. */
export function definePaneMetric(
  definition: Omit<MetricDefinition, 'filter' | 'key' | 'value' | 'latenessMs' | 'aggregate'>,
  observe: PaneMetric['observe'],
): PaneMetric {
  checkMetric(definition);
  return { kind: 'panes', description: describe(definition), latenessMs: Number.POSITIVE_INFINITY, observe };
}

export const defineListMetric = <T>(definition: Omit<ListMetricDefinition<T>, 'kind'>): ListMetricDefinition<T> => ({
  kind: 'list',
  ...definition,
});
