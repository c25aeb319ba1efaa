import { createHash } from 'node:crypto';
import type { PenstockEvent } from '../../events/index.js';
import { type AggregateName, takesText } from '../../shared/aggregates/index.js';
import type { MetricDescription } from '../../shared/live-catalogue.js';
import type { ListMetric } from '../../shared/live-keys.js';
import type { Visit } from '../state/visitors.js';
import type { NewestOptions } from '../windows/newest.js';
import type { SessionFold } from '../windows/sessions.js';
import { checkLayout, checkMetric, checkSessionMetric } from './check.js';
import { type EventWindow, layoutOf, type SessionWindow } from './window.js';

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

/** Longest name of a counter, in characters. Names come from clients, and each is kept for hours, here and in Redis. */
const MAX_NAME_LENGTH = 1024;

/**
 * What a client sent, as the name of a counter. Half a surrogate pair, which JSON can say and cutting can make, is a
 * replacement character from the start: it would become one in Redis, where two names would be one field.
 */
function nameOf(text: string): string {
  const short = text.length > MAX_NAME_LENGTH ? `${text.slice(0, MAX_NAME_LENGTH)}…` : text;
  return short.isWellFormed() ? short : short.toWellFormed();
}

/** A text of an entry of a list, for which the same holds; undefined where a producer sent anything else. */
export const shortText = (value: unknown): string | undefined =>
  typeof value === 'string' ? nameOf(value) : undefined;

/** Those of the values that are texts. */
export const shortTexts = <Name extends string>(
  values: Readonly<Record<Name, unknown>>,
): Readonly<Partial<Record<Name, string>>> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => {
      const text = shortText(value);
      return text === undefined ? [] : [[name, text]];
    }),
  ) as Partial<Record<Name, string>>;

/** The name of the only value of a metric without a key. */
const NO_KEY = 'all';

interface Emit {
  /** Windows in the series that is shown; by default one. */
  readonly windows?: number;
  /** Most names that are shown, those with the largest values; by default 10. */
  readonly top?: number;
}

interface MetricDefinition {
  readonly name: string;
  /** One sentence for whoever sees the figure. */
  readonly help: string;
  /** What is counted: `views`, `ms`. */
  readonly unit: string;
  readonly window: EventWindow;
  /** Which events it is about; by default all. */
  readonly filter?: (observation: Observation) => boolean;
  /**
   * Under which names the event is counted, by default one name for all: a text or number, or several. Empty names and
   * anything else are left out.
   */
  readonly key?: (observation: Observation) => unknown;
  readonly aggregate?: AggregateName;
  /**
   * What is aggregated, by all but `count`: a number, or a text for `distinct`, `top`, `first` and `last`. Undefined is
   * left out.
   */
  readonly value?: (observation: Observation) => number | string | undefined;
  /** Events further behind their partition's watermark are left out; by default, and at the most, what holds for all. */
  readonly latenessMs?: number;
  readonly emit?: Emit;
  /** To be raised when something changes that is not in the definition's own text, such as a function that it calls. */
  readonly version?: number;
}

/** A metric of what a visitor did in a session, in the pane of the session's start. */
interface SessionMetricDefinition {
  readonly name: string;
  readonly help: string;
  readonly unit: string;
  readonly window: SessionWindow;
  readonly filter?: (observation: Observation) => boolean;
  /** Bits that the event sets in its session. */
  readonly marks?: (observation: Observation) => number;
  /** Under which names a session is counted that has these bits. */
  readonly names: (marks: number) => readonly string[];
  readonly emit?: Emit;
  readonly version?: number;
}

/** A metric that keeps panes of aggregates. `observe` is pure, and is asked about late events as well. */
export interface PaneMetric {
  readonly kind: 'panes';
  readonly description: MetricDescription;
  readonly latenessMs: number;
  observe(observation: Observation, count: Count): void;
}

export interface SessionMetric extends Pick<SessionFold<Observation>, 'aggregate' | 'filter' | 'emit'> {
  readonly kind: 'sessions';
  readonly description: MetricDescription;
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
  const { filter, key, value, latenessMs = Number.POSITIVE_INFINITY } = definition;
  const inputOf = inputsOf(definition.aggregate ?? 'count');
  const observe = (observation: Observation, count: Count) => {
    if (filter !== undefined && !filter(observation)) return;
    const input = value === undefined ? 1 : inputOf(value(observation));
    if (input === undefined) return;
    if (key === undefined) return count(NO_KEY, input);
    const keys = key(observation);
    if (!Array.isArray(keys)) return countUnder(count, keys, input);
    for (const each of keys) countUnder(count, each, input);
  };
  checkMetric(definition);
  return { kind: 'panes', description: describe(definition), latenessMs, observe };
}

/** Clients send numbers where names are expected; nothing else that is no text is taken for one. */
function countUnder(count: Count, key: unknown, input: number | string): void {
  const name = textOf(key);
  if (name !== undefined && name !== '') count(nameOf(name), input);
}

const numberOf = (value: unknown) => (Number.isFinite(value) ? (value as number) : undefined);
const textOf = (value: unknown) => (typeof value === 'string' ? value : numberOf(value)?.toString());

/**
 * What an aggregate takes of a value: clients send numbers where texts are expected, and anything else. Texts that are
 * kept are as short, and as sound, as names.
 */
function inputsOf(aggregate: AggregateName): (value: unknown) => number | string | undefined {
  if (!takesText(aggregate)) return numberOf;
  if (aggregate === 'first' || aggregate === 'last') return (value) => shortText(value) ?? numberOf(value);
  // Of these no text is kept, but a hash of the whole.
  return aggregate === 'distinct' ? textOf : (value) => shortText(textOf(value));
}

/** A metric that says itself what it counts, and where; `version` stands for its code. */
export function definePaneMetric(
  definition: Omit<MetricDefinition, 'filter' | 'key' | 'value' | 'latenessMs' | 'aggregate'>,
  observe: PaneMetric['observe'],
): PaneMetric {
  checkMetric(definition);
  return { kind: 'panes', description: describe(definition), latenessMs: Number.POSITIVE_INFINITY, observe };
}

/** The bits that the events of a session set: a set, so that order and repetition do not matter. */
export function defineSessionMetric(definition: SessionMetricDefinition): SessionMetric {
  checkSessionMetric(definition);
  const { marks, names, filter } = definition;
  return {
    kind: 'sessions',
    description: describe(definition),
    ...(filter === undefined ? {} : { filter }),
    ...(marks === undefined ? {} : { aggregate: bitsOf(marks) }),
    emit(state, count) {
      for (const name of names(state)) count(name);
    },
  };
}

const bitsOf = (marks: (observation: Observation) => number): NonNullable<SessionMetric['aggregate']> => ({
  add: (state, observation) => state | marks(observation),
  merge: (a, b) => a | b,
});

export const defineListMetric = <T>(definition: Omit<ListMetricDefinition<T>, 'kind'>): ListMetricDefinition<T> => ({
  kind: 'list',
  ...definition,
});

function describe(definition: MetricDefinition | SessionMetricDefinition): MetricDescription {
  const { name, help, unit, window, emit } = definition;
  const aggregate = ('aggregate' in definition ? definition.aggregate : undefined) ?? 'count';
  const description = {
    name,
    help,
    unit,
    aggregate,
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
