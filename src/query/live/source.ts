import type { AggregateResult } from '../../shared/aggregates/index.js';
import type { Clock } from '../../shared/clock.js';
import { messageOf } from '../../shared/errors.js';
import { keepFresh } from '../../shared/keep-fresh.js';
import type { ShownLateEvent } from '../../shared/late-events.js';
import type { LiveSource } from '../../shared/live.js';
import type { MetricDescription } from '../../shared/live-catalogue.js';
import { HEALTH, HEALTH_NAME, LIVE_CHANNEL, TOTALS } from '../../shared/live-keys.js';
import { type PartitionHealth, partitionHealth } from '../../shared/partition-health.js';
import { QueryError } from '../errors.js';
import { type CondenseOptions, createCondenser } from './condense.js';
import { connectAnnouncements, type LiveRedis } from './connection.js';
import { readFigures } from './read-figures.js';
import { createLiveStore } from './store.js';

/** A pane as it is retained: merged over the partitions. */
interface PaneReading {
  /** ISO 8601 start of the pane. */
  readonly start: string;
  readonly values: Readonly<Record<string, AggregateResult>>;
  /** How often something that was counted in it was taken back; left out where nothing was. */
  readonly revision?: number;
}

/** The live figures, and what is behind them. */
export interface LiveFiguresSource extends LiveSource {
  /** The metrics in panes that there are. */
  readCatalogue(): Promise<MetricDescription[]>;
  /**
   * All retained panes of a metric in [fromMs, toMs), oldest first; those of a step, counted from the first pane, as one.
   * Undefined when there is no such metric.
   */
  readPanes(
    metric: string,
    fromMs: number,
    toMs: number,
    options?: CondenseOptions,
  ): Promise<PaneReading[] | undefined>;
  /** What the aggregators counted and what they did not, and why. */
  readTotals(): Promise<Readonly<Record<string, number>>>;
  /** The newest events that were too late for metrics, newest first by when they reached the hub. */
  readLate(): Promise<readonly ShownLateEvent[]>;
  /** How far the readers of the partitions are, by partition. */
  readHealth(): Promise<ReadonlyMap<string, PartitionHealth>>;
  /** Closes the connection for announcements, which is its own; that of the caller stays open. */
  close(): void;
}

/** Panes of a long time are not all in memory at once. */
const PANES_AT_ONCE = 200;

/** Late events that are shown. */
const NEWEST_LATE = 100;

/** Readings within this time share one. */
const CACHE_MS = 100;

/**
 * Reads live figures. Concurrent reads share one, a read within 100 ms of another gets the same, and of the panes only
 * those that changed travel; a read after subscribers were told begins anew. Subscribers are told of every write, at most once in 50 ms, and again whenever the
 * connection for announcements comes back, since announcements made meanwhile are lost.
 */
export function createLiveSource(redis: LiveRedis, clock: Clock): LiveFiguresSource {
  const store = createLiveStore(redis);
  const reading = () => keepFresh(clock, CACHE_MS, () => readFigures(store, clock.now()).catch(unavailable));
  let read = reading();
  const announcements = createAnnouncements(redis, clock, () => {
    // What was read before, or is being read, may not have it: who is told of a change reads it.
    read = reading();
  });

  return {
    read: () => read(),
    subscribe: announcements.subscribe,
    async readCatalogue() {
      return [...(await store.catalogue().catch(unavailable)).values()];
    },
    async readPanes(name, fromMs, toMs, options = {}) {
      try {
        const metric = (await store.catalogue()).get(name);
        if (metric === undefined) return undefined;
        const starts = await store.paneStarts(metric, fromMs, toMs);
        const condenser = createCondenser(metric, fromMs, options);
        for (let at = 0; at < starts.length; at += PANES_AT_ONCE) {
          const panes = await store.readPanes(metric, starts.slice(at, at + PANES_AT_ONCE), 'once');
          for (const [startMs, pane] of panes) condenser.add(startMs, pane);
        }
        return condenser.steps().map(({ startMs, ...rest }) => ({ start: new Date(startMs).toISOString(), ...rest }));
      } catch (error) {
        if (error instanceof QueryError) throw error;
        return unavailable(error);
      }
    },
    async readTotals() {
      return Object.fromEntries(await store.readTotals(TOTALS).catch(unavailable));
    },
    readLate: () => store.readLate(NEWEST_LATE).catch(unavailable),
    async readHealth() {
      const texts = await store.readTexts(HEALTH, HEALTH_NAME).catch(unavailable);
      return new Map(
        [...texts].flatMap(([partition, text]) => {
          const { data } = partitionHealth.safeParse(JSON.parse(text));
          return data === undefined ? [] : [[partition, data] as const];
        }),
      );
    },
    close: announcements.close,
  };
}

function unavailable(cause: unknown): never {
  throw new QueryError('PS_QUERY_UNAVAILABLE', `the live figures cannot be read: ${messageOf(cause)}`, { cause });
}

/** Announcements closer together than this are one. */
const COALESCE_MS = 50;

/** `beforeAll` is called before those who subscribed. */
function createAnnouncements(redis: LiveRedis, clock: Clock, beforeAll: () => void) {
  const callbacks = new Set<() => void>();
  let subscriber: LiveRedis | undefined;
  let cancel: (() => void) | undefined;
  const announce = () => {
    cancel ??= clock.setTimer(() => {
      cancel = undefined;
      beforeAll();
      for (const callback of callbacks) callback();
    }, COALESCE_MS);
  };
  const connect = () => {
    const connection = connectAnnouncements(redis);
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
