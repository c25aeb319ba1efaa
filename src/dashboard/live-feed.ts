import type { CancelTimer, Clock } from '../shared/clock.js';
import type { LiveFigures, LiveSource } from '../shared/live.js';
import { withTimeout } from './with-timeout.js';

/**
 * `snapshot`: all figures. `update`: `asOf` and the figures that changed since the message before. `trouble`: the
 * figures cannot be read at present; what the viewer shows is as old as its `asOf`.
 */
export type FeedMessage = { readonly kind: 'snapshot' | 'update' | 'trouble'; readonly json: string };

interface Viewer {
  /** False when the viewer's connection is full: nothing more is sent to it until `resume`. */
  send(message: FeedMessage): boolean;
  /** Ends the viewer's connection. */
  close(): void;
}

interface Seat {
  /** The viewer can take messages again; if it missed any, it gets a snapshot in their place. */
  resume(): void;
  leave(): void;
}

export interface LiveFeed {
  /** Undefined when every seat is taken. */
  join(viewer: Viewer): Seat | undefined;
  readonly viewers: number;
  /** Closes every viewer and stops reading. */
  stop(): void;
}

export interface LiveFeedDeps {
  readonly source: LiveSource;
  readonly clock: Clock;
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
  maxViewers: 200,
  minIntervalMs: 250,
  refreshMs: 5_000,
  readTimeoutMs: 5_000,
  stuckMs: 60_000,
};

interface Place {
  readonly viewer: Viewer;
  /** The time since which the viewer's connection is full. */
  fullSinceMs: number | undefined;
  /** Something was not sent to it since then. */
  missed: boolean;
}

/**
 * One reading for all viewers, and none when there are no viewers. Every viewer hears something at least every
 * `refreshMs` + `readTimeoutMs`, so silence for longer means a dead connection: no other heartbeat is needed.
 */
export function createLiveFeed({ source, clock, onReadError }: LiveFeedDeps, options: LiveFeedOptions): LiveFeed {
  const places = new Set<Place>();
  let unsubscribe: (() => void) | undefined;
  let cancelTimer: CancelTimer = () => {};
  let latest: Latest | undefined;
  let lastReadMs = Number.NEGATIVE_INFINITY;
  let reading = false;
  let changed = false;

  const deliver = (place: Place, message: FeedMessage) => {
    if (place.fullSinceMs !== undefined) {
      place.missed = true;
      if (clock.now() - place.fullSinceMs >= options.stuckMs) place.viewer.close();
    } else if (!place.viewer.send(message)) place.fullSinceMs = clock.now();
  };
  const broadcast = (message: FeedMessage) => {
    for (const place of places) deliver(place, message);
  };
  const readIn = (delayMs: number) => {
    cancelTimer();
    cancelTimer = clock.setTimer(() => void readNow(), delayMs);
  };
  const onChange = () => {
    if (reading) changed = true;
    else readIn(Math.max(0, lastReadMs + options.minIntervalMs - clock.now()));
  };
  const readNow = async () => {
    reading = true;
    changed = false;
    lastReadMs = clock.now();
    try {
      const next = describe(await withTimeout(source.read(), options.readTimeoutMs, clock));
      broadcast(latest ? updateOf(latest, next) : { kind: 'snapshot', json: next.json });
      latest = next;
    } catch (error) {
      onReadError(error);
      // The next good reading is sent whole: viewers who joined meanwhile have nothing to update.
      latest = undefined;
      broadcast({ kind: 'trouble', json: JSON.stringify({ at: new Date(clock.now()).toISOString() }) });
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
    latest = undefined;
  };

  return {
    join(viewer) {
      if (places.size >= options.maxViewers) return undefined;
      const place: Place = { viewer, fullSinceMs: undefined, missed: false };
      places.add(place);
      if (latest) deliver(place, { kind: 'snapshot', json: latest.json });
      unsubscribe ??= source.subscribe(onChange);
      if (!latest && !reading) readIn(0);
      return {
        resume() {
          place.fullSinceMs = undefined;
          if (!place.missed) return;
          place.missed = false;
          if (latest) deliver(place, { kind: 'snapshot', json: latest.json });
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

interface Latest {
  readonly asOf: string;
  readonly json: string;
  readonly sections: ReadonlyMap<string, string>;
}

function describe(figures: LiveFigures): Latest {
  const { asOf, ...rest } = figures;
  const sections = new Map(Object.entries(rest).map(([name, value]) => [name, JSON.stringify(value)]));
  return { asOf, sections, json: objectOf(asOf, sections) };
}

function updateOf(before: Latest, now: Latest): FeedMessage {
  const changes = [...now.sections].filter(([name, json]) => before.sections.get(name) !== json);
  return { kind: 'update', json: objectOf(now.asOf, changes) };
}

function objectOf(asOf: string, sections: Iterable<readonly [string, string]>): string {
  return `{"asOf":${JSON.stringify(asOf)}${Array.from(sections, ([name, json]) => `,${JSON.stringify(name)}:${json}`).join('')}}`;
}
