import type { LateEvent } from '../../shared/late-events.js';
import type { MetricDescription } from '../../shared/live-catalogue.js';
import { LATE_STREAM_LENGTH } from '../../shared/live-keys.js';
import type { Observation, PaneMetric } from '../metrics/define.js';
import type { SessionMetric } from '../metrics/define-session.js';

/**
 * The newest late events of a partition, in the order of the hub: those that wait to be written to the late stream, and
 * some that are in it, so that a Redis that comes back empty has them again. What is in it depends on the hub alone, and
 * an entry's id is its position, so whoever writes it again after a crash writes the same, which the stream has already.
 */
export interface LateEvents {
  add(event: LateEvent): void;
  /** What was added since the last call. */
  takeDirty(): LateChange | undefined;
  /** What was taken is in the stream. */
  written(): void;
  /** Everything that is kept has to be written again. */
  markAllDirty(): void;
  /** All that is kept, for a snapshot. */
  entries(): readonly LateEvent[];
}

export interface LateChange {
  /** The late event before the first of these; undefined when it is not known. */
  readonly after: LateEvent | undefined;
  readonly events: readonly LateEvent[];
}

/** Late events that stay after they were written. */
const KEPT = 500;

/** What waits beyond the length of the stream is not written any more: the stream would not keep it. */
export function createLateEvents(saved: readonly LateEvent[] = [], capacity = LATE_STREAM_LENGTH): LateEvents {
  const events = [...saved];
  let taken = 0;
  const cut = (count: number) => {
    events.splice(0, count);
    taken = Math.max(0, taken - count);
  };
  return {
    add(event) {
      events.push(event);
      // Not one by one: what is cut moves all that stays.
      if (events.length >= 2 * capacity) cut(events.length - capacity);
    },
    takeDirty() {
      const from = Math.max(taken, events.length - capacity);
      if (from === events.length) return undefined;
      const change = { after: from === taken ? events[from - 1] : undefined, events: events.slice(from) };
      taken = events.length;
      return change;
    },
    written() {
      cut(Math.max(0, taken - KEPT));
    },
    markAllDirty() {
      taken = 0;
    },
    entries: () => events.slice(-capacity),
  };
}

const HOUR_MS = 3_600_000;
const latenessSteps = [
  ['2h', 2 * HOUR_MS],
  ['6h', 6 * HOUR_MS],
  ['24h', 24 * HOUR_MS],
  ['7d', 168 * HOUR_MS],
] as const;

/** How late it was, in one of a few steps. */
export const latenessStep = (behindMs: number): string =>
  latenessSteps.find(([, upToMs]) => behindMs <= upToMs)?.[0] ?? 'more';

type AnyMetric = PaneMetric | SessionMetric;

/** Those of the metrics that would have counted the event. */
export const concernedBy = (observation: Observation, metrics: readonly AnyMetric[]): MetricDescription[] =>
  metrics.filter((metric) => concerns(metric, observation)).map(({ description }) => description);

function concerns(metric: AnyMetric, observation: Observation): boolean {
  if (metric.kind === 'sessions') return observation.visitor !== undefined && (metric.filter?.(observation) ?? true);
  let counted = false;
  metric.observe(observation, () => {
    counted = true;
  });
  return counted;
}

/** Longest id and type that are kept of an event: other producers may send anything. */
const MAX_TEXT_LENGTH = 256;

export function lateEvent(
  { event, timeMs, enqueuedAtMs }: Observation,
  metrics: readonly MetricDescription[],
  at: Pick<LateEvent, 'sequenceNumber' | 'index' | 'behindMs'>,
): LateEvent {
  const starts = metrics.map(({ name, paneMs }) => [name, timeMs - (timeMs % paneMs)]);
  return {
    sequenceNumber: at.sequenceNumber,
    index: at.index,
    id: event.id.slice(0, MAX_TEXT_LENGTH),
    type: event.type.slice(0, MAX_TEXT_LENGTH),
    timeMs,
    enqueuedAtMs,
    behindMs: at.behindMs,
    metrics: Object.fromEntries(starts),
  };
}
