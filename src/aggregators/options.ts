import { SESSION_GAP_MS } from '../shared/live-keys.js';
import type { IdHistoryOptions } from './state/id-history.js';
import type { NameBounds } from './windows/name-room.js';

/** What the figures promise depends on these; a change of any that alters a figure needs a new generation of the state. */
export interface AggregatorOptions {
  /** How far behind its partition's watermark an event may be and still be counted. At least `LONGEST_LOOK_BACK_MS`. */
  readonly allowedLatenessMs: number;
  /** An event dated later than this after it reached the hub is taken to be wrong about the time. */
  readonly maxSkewMs: number;
  /**
   * Ids of events: a repetition by a gateway that sent again, or by a client that asked another gateway. They are remembered
   * for as long as the repetition would be counted, `allowedLatenessMs + maxSkewMs`, where the bound suffices.
   */
  readonly dedup: IdHistoryOptions;
  /** Ids of messages that came by way of the topic: a repetition by whoever copied them, after an outage of any length. */
  readonly messageDedup: IdHistoryOptions;
  /** Most distinct names that a metric keeps apart in a partition; further ones are added up under `(other)`. */
  readonly names: NameBounds;
  /** Visitors of a partition that are kept apart; further ones are estimated by a HyperLogLog. */
  readonly maxVisitors: number;
  readonly sessions: {
    /** A session ends after this long without an event of its visitor. */
    readonly gapMs: number;
    /** Visitors of a partition whose sessions are kept apart. */
    readonly maxKeys: number;
  };
}

/** The longest that a live figure looks back at who was seen when: distinct visitors of 15 minutes. */
export const LONGEST_LOOK_BACK_MS = 15 * 60_000;

const allowedLatenessMs = 60 * 60_000;
const maxSkewMs = 5 * 60_000;

export const defaultAggregatorOptions: AggregatorOptions = Object.freeze({
  allowedLatenessMs,
  maxSkewMs,
  dedup: Object.freeze({ rotateAfterMs: allowedLatenessMs + maxSkewMs, maxIdsPerGeneration: 1 << 20 }),
  messageDedup: Object.freeze({ rotateAfterMs: 13 * 3_600_000, maxIdsPerGeneration: 1 << 16 }),
  names: Object.freeze({ maxNamesPerPane: 20_000, maxNames: 200_000, maxCharacters: 1 << 24 }),
  maxVisitors: 250_000,
  sessions: Object.freeze({ gapMs: SESSION_GAP_MS, maxKeys: 250_000 }),
});
