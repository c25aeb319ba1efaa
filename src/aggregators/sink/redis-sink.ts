import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import {
  CATALOGUE_KEY,
  HEALTH_KEY,
  LIST_NAME,
  LIVE_CHANNEL,
  listMetrics,
  PANE_RETENTION_MS,
  type PaneMetricId,
  paneExpiriesKey,
  paneIndexKey,
  paneKey,
  singleKey,
  TOTALS,
} from '../../shared/live-keys.js';
import type { Logger } from '../../shared/logger.js';
import type { PartitionHealth } from '../../shared/partition-health.js';
import { descriptions } from '../metrics/index.js';
import type { StateChanges } from '../state/partition.js';
import type { PaneChange } from '../windows/panes.js';

/** Where the figures of the partitions are shown. */
export interface LiveSink {
  /** Writes absolute values; those of a reader that is further on are left as they are. */
  write(partition: string, changes: StateChanges): Promise<void>;
  /** Says how far the reader of a partition is. Never rejects: nothing depends on it. */
  report(partition: string, health: PartitionHealth): Promise<void>;
  /** Removes what a partition wrote, because its sequence numbers begin anew. */
  forget(partition: string): Promise<void>;
  /** Calls back when the store may have lost what it had, so that everything has to be written again. */
  onRecovered(callback: () => void): () => void;
  /** Resolves when the sink can be written to; rejects after `limitMs`. */
  ready(limitMs: number): Promise<void>;
  close(): Promise<void>;
}

/** One script call blocks Redis for a millisecond or two at these sizes. */
const MAX_WINDOWS_PER_CALL = 500;
const MAX_PAIRS_PER_CALL = 4_000;
const COMMAND_TIMEOUT_MS = 10_000;

type Script = (keyCount: number, ...keysAndArguments: (string | number)[]) => Promise<number>;

interface Window {
  readonly key: string;
  /** Start of the pane; empty for a window that is none. */
  readonly start: number | '';
  readonly expiryMs: number | '';
  readonly pairs: readonly (string | number)[];
}

export function createRedisSink(url: string, logger: Logger): LiveSink {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectionName: 'penstock-aggregators',
  });
  redis.on('error', (error) => logger.warn({ err: error }, 'redis'));
  const script = (name: string, file: string): Script => {
    redis.defineCommand(name, { lua: readFileSync(new URL(file, import.meta.url), 'utf8') });
    return (redis as unknown as Record<string, Script>)[name]?.bind(redis) as Script;
  };
  const writePanes = script('writePanes', 'write-panes.lua');
  const forgetPartition = script('forgetPartition', 'forget-partition.lua');

  let connections = 0;
  const callbacks = new Set<() => void>();
  redis.on('ready', () => {
    connections++;
    if (connections === 1) return;
    announce().catch((error: unknown) => logger.warn({ err: error }, 'the metrics could not be announced'));
    for (const callback of callbacks) callback();
  });

  /** Readers learn from it what there is. The newest aggregator's word holds. */
  const announce = async () => {
    const entries = descriptions.map((description) => [description.name, JSON.stringify(description)] as const);
    await redis.multi().del(CATALOGUE_KEY).hset(CATALOGUE_KEY, new Map(entries)).exec();
  };
  const call = (partition: string, target: Target, version: number, windows: readonly Window[], nowMs: number) =>
    writePanes(
      windows.length + 2,
      target.indexKey,
      target.expiriesKey,
      ...windows.map(({ key }) => key),
      partition,
      version,
      LIVE_CHANNEL,
      JSON.stringify({ metric: target.name, partition, version, windows: windows.map(({ start }) => start) }),
      nowMs,
      ...windows.flatMap(({ start, expiryMs, pairs }) => [start, expiryMs, pairs.length / 2, ...pairs]),
    );

  return {
    async write(partition, changes) {
      const { sequenceNumber, enqueuedAtMs } = changes.position;
      const calls: Promise<number>[] = [];
      for (const { metric, changes: panes } of changes.panes) {
        const windows = panes.map((pane) => paneWindow(metric, pane, enqueuedAtMs));
        const target = paneTarget(metric);
        for (const chunk of chunks(windows)) calls.push(call(partition, target, sequenceNumber, chunk, enqueuedAtMs));
      }
      const singles = [
        ...changes.lists.map(({ metric, entries }) => ({ metric, pairs: [LIST_NAME, JSON.stringify(entries)] })),
        ...changes.totals.map((change) => ({ metric: TOTALS, pairs: pairsOf(change) })),
      ];
      for (const { metric, pairs } of singles) {
        const window = { key: singleKey(metric), start: '' as const, expiryMs: '' as const, pairs };
        calls.push(call(partition, singleTarget(metric), sequenceNumber, [window], enqueuedAtMs));
      }
      const results = await Promise.allSettled(calls);
      const failed = results.find((result) => result.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    },
    async report(partition, health) {
      await redis.hset(HEALTH_KEY, partition, JSON.stringify(health)).catch(() => {});
    },
    async forget(partition) {
      for (const metric of descriptions) {
        const keys = (await redis.zrange(paneIndexKey(metric), '0', '-1')).map((start) =>
          paneKey(metric, Number(start)),
        );
        for (let at = 0; at < keys.length; at += MAX_WINDOWS_PER_CALL) {
          const chunk = keys.slice(at, at + MAX_WINDOWS_PER_CALL);
          await forgetPartition(chunk.length, ...chunk, partition);
        }
      }
      for (const metric of [...listMetrics, TOTALS]) await forgetPartition(1, singleKey(metric), partition);
    },
    onRecovered(callback) {
      callbacks.add(callback);
      return () => void callbacks.delete(callback);
    },
    async ready(limitMs) {
      if (redis.status !== 'ready') {
        const signal = AbortSignal.timeout(limitMs);
        await new Promise<void>((resolve, reject) => {
          redis.once('ready', resolve);
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        });
      }
      await announce();
    },
    async close() {
      if (redis.status === 'ready') await redis.quit().catch(() => redis.disconnect());
      else redis.disconnect();
    },
  };
}

/** What the script needs of a metric beside its hashes. */
interface Target {
  readonly name: string;
  readonly indexKey: string;
  readonly expiriesKey: string;
}

const paneTarget = (metric: PaneMetricId): Target => ({
  name: metric.name,
  indexKey: paneIndexKey(metric),
  expiriesKey: paneExpiriesKey(metric),
});

/** A hash that is no pane is in no index: these two stay empty, and are here because the script names its keys. */
const singleTarget = (name: string): Target => {
  const key = singleKey(name);
  return { name, indexKey: `${key}:index`, expiriesKey: `${key}:expiries` };
};

/** Readable for the retention after its end, or after its data reached the hub: old events of an import are shown too. */
function paneWindow(metric: PaneMetricId, pane: PaneChange, enqueuedAtMs: number): Window {
  const expiryMs = Math.max(pane.startMs + metric.paneMs, enqueuedAtMs) + PANE_RETENTION_MS;
  return { key: paneKey(metric, pane.startMs), start: pane.startMs, expiryMs, pairs: pairsOf(pane) };
}

function pairsOf(change: PaneChange): (string | number)[] {
  const pairs: (string | number)[] = [];
  for (let at = 0; at < change.names.length; at++) {
    const value = change.values[at] as number | string;
    pairs.push(change.names[at] as string, value === 0 ? '' : value);
  }
  return pairs;
}

function* chunks(windows: readonly Window[]): Generator<Window[]> {
  let chunk: Window[] = [];
  let pairs = 0;
  for (const window of windows) {
    const tooMany = chunk.length >= MAX_WINDOWS_PER_CALL || pairs + window.pairs.length / 2 > MAX_PAIRS_PER_CALL;
    if (chunk.length > 0 && tooMany) {
      yield chunk;
      chunk = [];
      pairs = 0;
    }
    chunk.push(window);
    pairs += window.pairs.length / 2;
  }
  if (chunk.length > 0) yield chunk;
}
