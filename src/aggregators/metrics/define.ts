import type { PenstockEvent } from '../../events/index.js';
import type { ListMetric, PaneMetric } from '../../shared/live-keys.js';
import type { Visit } from '../state/visitors.js';
import type { NewestOptions } from '../windows/newest.js';
import type { SessionFold } from '../windows/sessions.js';

/** What is known about an event when a metric looks at it. Reused for the next event: nothing may keep it. */
export interface Observation {
  event: PenstockEvent;
  timeMs: number;
  /** anonymousId, else userId; undefined when the event names nobody. */
  visitor: string | undefined;
  visit: Visit | undefined;
}

/** Adds to the counter of `name`, by default in the event's own pane. */
type Count = (name: string, by?: number, paneMs?: number) => void;

/** Longest name of a counter, in characters. Names come from clients, and each is kept for hours, here and in Redis. */
const MAX_NAME_LENGTH = 1024;

/** What a client sent, as the name of a counter. */
export const nameOf = (text: string): string =>
  text.length > MAX_NAME_LENGTH ? `${text.slice(0, MAX_NAME_LENGTH)}…` : text;

/**
 * A metric that counts names in panes. `observe` is pure and is asked about late events as well: when it counts
 * anything for one, the event goes to the metric's late counter in place of the panes.
 */
export interface PaneMetricDefinition {
  readonly kind: 'panes';
  readonly name: PaneMetric;
  observe(observation: Observation, count: Count): void;
}

/** A metric of what a visitor did in a session, in the pane of the session's start. */
export interface SessionMetricDefinition extends Pick<SessionFold<Observation>, 'aggregate' | 'filter' | 'emit'> {
  readonly kind: 'sessions';
  readonly name: PaneMetric;
}

/** A metric that keeps the newest few entries, one for each key. An event without a key is not listed. */
export interface ListMetricDefinition<T = unknown> extends NewestOptions<PenstockEvent, T> {
  readonly kind: 'list';
  readonly name: ListMetric;
  keyOf(observation: Observation): string | undefined;
}

export const definePaneMetric = (definition: Omit<PaneMetricDefinition, 'kind'>): PaneMetricDefinition => ({
  kind: 'panes',
  ...definition,
});

export const defineSessionMetric = (definition: Omit<SessionMetricDefinition, 'kind'>): SessionMetricDefinition => ({
  kind: 'sessions',
  ...definition,
});

export const defineListMetric = <T>(definition: Omit<ListMetricDefinition<T>, 'kind'>): ListMetricDefinition<T> => ({
  kind: 'list',
  ...definition,
});
