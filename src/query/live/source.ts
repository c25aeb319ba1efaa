import type { Clock } from '../../shared/clock.js';
import { messageOf } from '../../shared/errors.js';
import type { LiveFigures, LiveSource } from '../../shared/live.js';
import {
  LIST_NAME,
  LIVE_CHANNEL,
  type ListMetric,
  listMetrics,
  type PaneMetric,
  paneMetrics,
  paneMsOf,
  TOTALS,
} from '../../shared/live-keys.js';
import { QueryError } from '../errors.js';
import type { LiveRedis } from './connection.js';
import { AHEAD_PANES, figuresOf, type LiveData, lookBack, OPEN_PANES } from './figures.js';
import { createLiveStore } from './store.js';

/** A pane as it is retained: the sums over the partitions. */
interface PaneReading {
  /** ISO 8601 start of the pane. */
  readonly start: string;
  readonly values: Readonly<Record<string, number>>;
}

/** The live figures, and what is behind them. */
export interface LiveFiguresSource extends LiveSource {
  /** All retained panes of a metric in [fromMs, toMs), oldest first. */
  readPanes(metric: PaneMetric, fromMs: number, toMs: number): Promise<PaneReading[]>;
  /** What the aggregators counted and what they did not, and why. */
  readTotals(): Promise<Readonly<Record<string, number>>>;
  /** Closes the connection for announcements, which is its own; that of the caller stays open. */
  close(): void;
}

/** Readings within this time share one. */
const CACHE_MS = 100;

/**
 * Reads live figures. Concurrent reads share one, a read within 100 ms of another gets the same, and of the panes only
 * those that changed travel. Subscribers are told of every write, at most once in 50 ms, and again whenever the
 * connection for announcements comes back, since announcements made meanwhile are lost.
 */
export function createLiveSource(redis: LiveRedis, clock: Clock): LiveFiguresSource {
  const store = createLiveStore(redis);
  const announcements = createAnnouncements(redis, clock);
  let reading: Promise<LiveFigures> | undefined;
  let cached: { figures: LiveFigures; untilMs: number } | undefined;

  const readAll = async (): Promise<LiveFigures> => {
    const panes = (metric: PaneMetric) => {
      const paneMs = paneMsOf(metric);
      const newestMs = clock.now() - (clock.now() % paneMs) + AHEAD_PANES * paneMs;
      const length = AHEAD_PANES + (metric === 'visitors' ? OPEN_PANES : lookBack[metric]);
      return store.readPanes(
        metric,
        Array.from({ length }, (_, index) => newestMs - index * paneMs),
      );
    };
    const list = async (metric: ListMetric) =>
      (await store.readTexts(metric, LIST_NAME)).flatMap((text) => JSON.parse(text) as unknown[]);
    const [paneData, listData] = await Promise.all([
      Promise.all(paneMetrics.map(async (metric) => [metric, await panes(metric)] as const)),
      Promise.all(listMetrics.map(async (metric) => [metric, await list(metric)] as const)),
    ]);
    const figures = figuresOf(Object.fromEntries([...paneData, ...listData]) as unknown as LiveData, clock.now());
    cached = { figures, untilMs: clock.now() + CACHE_MS };
    return figures;
  };
  return {
    read() {
      if (cached !== undefined && clock.now() < cached.untilMs) return Promise.resolve(cached.figures);
      reading ??= readAll()
        .catch(unavailable)
        .finally(() => {
          reading = undefined;
        });
      return reading;
    },
    subscribe: announcements.subscribe,
    async readPanes(metric, fromMs, toMs) {
      try {
        const starts = await store.paneStarts(metric, fromMs, toMs);
        const panes = await store.readPanes(metric, starts);
        return starts.flatMap((startMs) => {
          const pane = panes.get(startMs);
          if (pane === undefined) return [];
          return [{ start: new Date(startMs).toISOString(), values: Object.fromEntries(pane.values) }];
        });
      } catch (error) {
        return unavailable(error);
      }
    },
    async readTotals() {
      return Object.fromEntries(await store.readTotals(TOTALS).catch(unavailable));
    },
    close: announcements.close,
  };
}

function unavailable(cause: unknown): never {
  throw new QueryError('PS_QUERY_UNAVAILABLE', `the live figures cannot be read: ${messageOf(cause)}`, { cause });
}

/** Announcements closer together than this are one. */
const COALESCE_MS = 50;

function createAnnouncements(redis: LiveRedis, clock: Clock) {
  const callbacks = new Set<() => void>();
  let subscriber: LiveRedis | undefined;
  let cancel: (() => void) | undefined;
  const announce = () => {
    cancel ??= clock.setTimer(() => {
      cancel = undefined;
      for (const callback of callbacks) callback();
    }, COALESCE_MS);
  };
  const connect = () => {
    const connection = redis.duplicate({ maxRetriesPerRequest: null, connectionName: 'penstock-query-announcements' });
    // Its reconnects are its own; an error shows in the reads as well.
    connection.on('error', () => {});
    connection.on('message', announce);
    connection.on('ready', announce);
    connection.subscribe(LIVE_CHANNEL).catch(() => {});
    return connection;
  };
  return {
    subscribe(onChange: () => void) {
      // A wrapper of its own, so that one function can subscribe twice.
      const callback = () => onChange();
      callbacks.add(callback);
      subscriber ??= connect();
      return () => void callbacks.delete(callback);
    },
    close() {
      cancel?.();
      callbacks.clear();
      subscriber?.disconnect();
    },
  };
}
