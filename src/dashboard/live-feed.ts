import { type CancelTimer, type Clock, msUntil } from '../shared/clock.js';
import type { LiveSource } from '../shared/live.js';
import { createLiveHistory, type FeedMessage } from './live-history.js';
import { withTimeout } from './with-timeout.js';

interface Viewer {
  /** False when the viewer's connection is full: nothing more is sent to it until `resume`. */
  send(message: FeedMessage): boolean;
  /** Ends the viewer's connection. */
  close(): void;
}

interface Seat {
  /** The viewer can take messages again; what changed meanwhile comes as one message. */
  resume(): void;
  leave(): void;
}

export interface LiveFeed {
  /**
   * Undefined when every seat is taken. A viewer that names the id of the last message it applied gets what changed
   * since; any other begins with a snapshot.
   */
  join(viewer: Viewer, lastId?: string): Seat | undefined;
  readonly viewers: number;
  /** Closes every viewer and stops reading. */
  stop(): void;
}

export interface LiveFeedDeps {
  readonly source: LiveSource;
  readonly clock: Clock;
  /** Names the messages of this feed, and of no other. */
  readonly epoch: string;
  readonly onReadError: (error: unknown) => void;
}

export interface LiveFeedOptions {
  readonly maxViewers: number;
  /** Shortest time between two readings, however often the figures change. */
  readonly minIntervalMs: number;
  /** Longest time between two readings: windows slide with time even when no event comes. */
  readonly refreshMs: number;
  readonly readTimeoutMs: number;
  /** How long a viewer may take nothing before it is closed. */
  readonly stuckMs: number;
}

export const liveFeedDefaults: LiveFeedOptions = {
  maxViewers: 5_000,
  minIntervalMs: 250,
  refreshMs: 5_000,
  readTimeoutMs: 5_000,
  stuckMs: 60_000,
};

interface Place {
  readonly viewer: Viewer;
  /** The version of the figures that the viewer has. */
  version: number | undefined;
  /** The time since which the viewer's connection is full. */
  fullSinceMs: number | undefined;
  /** Something was not sent to it since then. */
  missed: boolean;
}

/**
 * One reading for all viewers, and none when there are no viewers. Every viewer hears something at least every
 * `refreshMs` + `readTimeoutMs`, so silence for longer means a dead connection: no other heartbeat is needed. Nothing
 * is queued for a viewer: one that is behind has a version, and gets what changed since when it can take it.
 */
export function createLiveFeed(deps: LiveFeedDeps, options: LiveFeedOptions): LiveFeed {
  const { source, clock, onReadError } = deps;
  const places = new Set<Place>();
  const history = createLiveHistory(deps.epoch);
  let unsubscribe: (() => void) | undefined;
  let cancelTimer: CancelTimer = () => {};
  /** The history is current: the last reading was good, and changes since are listened for. */
  let current = false;
  let trouble: FeedMessage | undefined;
  let lastReadMs = Number.NEGATIVE_INFINITY;
  let reading = false;
  let changed = false;

  const send = (place: Place, message: FeedMessage) => {
    if (message.kind !== 'trouble') place.version = history.version;
    if (!place.viewer.send(message)) place.fullSinceMs = clock.now();
  };
  /** `shared` is the message for those who have the version before. */
  const broadcast = (shared: FeedMessage, before?: number) => {
    for (const place of places) {
      if (place.fullSinceMs !== undefined) {
        place.missed = true;
        if (clock.now() - place.fullSinceMs >= options.stuckMs) place.viewer.close();
      } else if (shared.kind === 'trouble' || place.version === before) send(place, shared);
      else send(place, history.since(place.version));
    }
  };
  const bringUpToDate = (place: Place) => {
    if (trouble) send(place, trouble);
    else if (current) send(place, history.since(place.version));
  };
  const readIn = (delayMs: number) => {
    cancelTimer();
    cancelTimer = clock.setTimer(() => void readNow(), delayMs);
  };
  const onChange = () => {
    if (reading) changed = true;
    else readIn(msUntil(clock, lastReadMs + options.minIntervalMs, options.minIntervalMs));
  };
  const readNow = async () => {
    reading = true;
    changed = false;
    lastReadMs = clock.now();
    try {
      const figures = await withTimeout(source.read(), options.readTimeoutMs, clock);
      const before = history.version || undefined;
      history.record(figures);
      current = true;
      trouble = undefined;
      broadcast(history.since(before), before);
    } catch (error) {
      onReadError(error);
      current = false;
      trouble = { kind: 'trouble', json: JSON.stringify({ at: new Date(clock.now()).toISOString() }) };
      broadcast(trouble);
    }
    reading = false;
    if (places.size === 0) rest();
    else if (changed) onChange();
    else readIn(options.refreshMs);
  };
  const rest = () => {
    unsubscribe?.();
    unsubscribe = undefined;
    cancelTimer();
    current = false;
    trouble = undefined;
  };

  return {
    join(viewer, lastId) {
      if (places.size >= options.maxViewers) return undefined;
      const place: Place = { viewer, version: history.versionOf(lastId), fullSinceMs: undefined, missed: false };
      const first = places.size === 0;
      places.add(place);
      bringUpToDate(place);
      unsubscribe ??= source.subscribe(onChange);
      if (first && !reading) onChange();
      return {
        resume() {
          place.fullSinceMs = undefined;
          if (!place.missed) return;
          place.missed = false;
          bringUpToDate(place);
        },
        leave() {
          if (places.delete(place) && places.size === 0 && !reading) rest();
        },
      };
    },
    get viewers() {
      return places.size;
    },
    stop() {
      for (const place of [...places]) place.viewer.close();
      places.clear();
      rest();
    },
  };
}
