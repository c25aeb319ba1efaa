import type { LateEvent } from '../../shared/late-events.js';
import type { MetricDescription } from '../../shared/live-catalogue.js';
import type { SavedBehaviours } from '../behaviour/saved.js';
import type { NewestEntry } from '../windows/newest.js';
import type { SavedPane } from '../windows/panes.js';
import type { SavedSessions } from '../windows/sessions.js';
import type { SavedSeenEvents } from './seen-events.js';
import type { SavedVisitors } from './visitors.js';

/** Where a hub event is in its partition. */
export interface Position {
  readonly sequenceNumber: number;
  readonly offset: string;
  readonly enqueuedAtMs: number;
}

/** A state as it is written down: with it reading goes on behind `position`. */
export interface SavedState extends SavedSeenEvents {
  readonly position: Position;
  /** Null before the first event. */
  readonly watermarkMs: number | null;
  /** By the id of the metric. */
  readonly panes: Readonly<Record<string, readonly SavedPane[]>>;
  readonly lists: Readonly<Record<string, readonly NewestEntry<unknown>[]>>;
  readonly totals: readonly SavedPane[];
  readonly late?: readonly LateEvent[] | undefined;
  readonly visitors: SavedVisitors;
  readonly sessions: SavedSessions;
  readonly behaviours?: SavedBehaviours | undefined;
}

/** What a metric is saved under. A definition that changed begins anew: under its new id nothing is saved. */
export const idOf = ({ name, generation }: MetricDescription): string => `${name}@${generation}`;
