import { readFileSync } from 'node:fs';
import { type Aggregate, aggregateOf } from '../../shared/aggregates/index.js';
import { decodeLateEntry, type ShownLateEvent } from '../../shared/late-events.js';
import { type MetricDescription, metricDescription } from '../../shared/live-catalogue.js';
import {
  CATALOGUE_KEY,
  claimedPartitions,
  isRevisionField,
  LATE,
  lateStreamKey,
  ownersKey,
  paneIndexKey,
  paneKey,
  parseValueField,
  singleKey,
  WRITES_FIELD,
} from '../../shared/live-keys.js';
import type { LiveRedis } from './connection.js';

/** The content of one hash: of each name what was merged over the partitions, as states of the metric's aggregate. */
export interface Pane {
  /** Another one with each write. */
  readonly writes: string;
  /** How often something was taken back in it, over all partitions. */
  readonly revision: number;
  readonly values: ReadonlyMap<string, unknown>;
}

/** Reads hashes of live figures, keeping what did not change since it was read. */
export interface LiveStore {
  /** The metrics that the aggregators keep, by name. */
  catalogue(): Promise<Map<string, MetricDescription>>;
  /**
   * The panes that exist among those that start at `startsMs`, all as of one moment. `once`: they are not kept for the
   * next reading, and those of the reading before are.
   */
  readPanes(metric: MetricDescription, startsMs: readonly number[], once?: 'once'): Promise<Map<number, Pane>>;
  /** Starts of the panes that are retained in [fromMs, toMs). */
  paneStarts(metric: MetricDescription, fromMs: number, toMs: number): Promise<number[]>;
  /** Text values of a metric without panes, by partition: the entry of each under `name`. */
  readTexts(metric: string, name: string): Promise<Map<string, string>>;
  /** The newest entries of the late stream, over all partitions. */
  readLate(count: number): Promise<ShownLateEvent[]>;
  /** Whole numbers of a metric without panes, added up over the partitions. */
  readTotals(metric: string): Promise<Map<string, number>>;
}

type ReadWindows = (keyCount: number, ...keysAndRevisions: string[]) => Promise<(null | 0 | string[])[]>;

/** Panes read in one script call; each call is one moment and blocks Redis for a millisecond or so. */
const MAX_WINDOWS_PER_CALL = 500;
/** Panes kept for each metric: more than any live figure shows. */
const CACHED_PANES = 128;

export function createLiveStore(redis: LiveRedis): LiveStore {
  redis.defineCommand('readWindows', { lua: readFileSync(new URL('read-windows.lua', import.meta.url), 'utf8') });
  const readWindows = (redis as unknown as { readWindows: ReadWindows }).readWindows.bind(redis);
  const caches = new Map<string, Map<number, Pane>>();

  const readChunk = async (metric: MetricDescription, startsMs: readonly number[], cache: Map<number, Pane>) => {
    const aggregate = aggregateOf(metric.aggregate);
    const keys = startsMs.map((startMs) => paneKey(metric, startMs));
    const writes = startsMs.map((startMs) => cache.get(startMs)?.writes ?? '');
    const answers = await readWindows(keys.length, ...keys, ...writes);
    const panes = new Map<number, Pane>();
    for (const [index, answer] of answers.entries()) {
      const startMs = startsMs[index] as number;
      const pane = Array.isArray(answer) ? parsePane(answer, aggregate) : answer === 0 ? cache.get(startMs) : undefined;
      if (pane !== undefined) panes.set(startMs, pane);
    }
    return panes;
  };

  return {
    async catalogue() {
      const texts = await redis.hgetall(CATALOGUE_KEY);
      return new Map(
        // Redis has no order: that of the names is steady.
        Object.entries(texts)
          .sort()
          .flatMap(([name, text]) => {
            // Another version of the aggregators may keep what this reader does not know.
            const { data } = metricDescription.safeParse(JSON.parse(text));
            return data === undefined ? [] : [[name, data]];
          }),
      );
    },
    async readPanes(metric, startsMs, once) {
      const cacheKey = paneIndexKey(metric);
      const cache = caches.get(cacheKey) ?? new Map<number, Pane>();
      const panes = new Map<number, Pane>();
      for (let at = 0; at < startsMs.length; at += MAX_WINDOWS_PER_CALL) {
        const chunk = await readChunk(metric, startsMs.slice(at, at + MAX_WINDOWS_PER_CALL), cache);
        for (const [startMs, pane] of chunk) panes.set(startMs, pane);
      }
      if (!once && startsMs.length <= CACHED_PANES) caches.set(cacheKey, panes);
      return panes;
    },
    async paneStarts(metric, fromMs, toMs) {
      return (await redis.zrangebyscore(paneIndexKey(metric), fromMs, `(${toMs}`)).map(Number);
    },
    async readTexts(metric, name) {
      const fields = await redis.hgetall(singleKey(metric));
      return new Map(
        Object.entries(fields).flatMap(([field, text]) => {
          const parsed = parseValueField(field);
          return parsed?.name === name ? [[parsed.partition, text] as const] : [];
        }),
      );
    },
    async readLate(count) {
      const partitions = claimedPartitions(await redis.hkeys(ownersKey(LATE)));
      const streams = await Promise.all(
        partitions.map(async (partition) => {
          const entries = await redis.xrevrange(lateStreamKey(partition), '+', '-', 'COUNT', count);
          return entries.map((entry) => decodeLateEntry(partition, entry));
        }),
      );
      // By when they reached the hub: positions in different partitions do not compare.
      const newestFirst = streams.flat().sort((a, b) => Date.parse(b.enqueuedAt) - Date.parse(a.enqueuedAt));
      return newestFirst.slice(0, count);
    },
    async readTotals(metric) {
      return sumFields(await redis.hgetall(singleKey(metric)));
    },
  };
}

function parsePane(flat: readonly string[], aggregate: Aggregate): Pane {
  let writes = '';
  let revision = 0;
  const values = new Map<string, unknown>();
  for (let at = 0; at < flat.length; at += 2) {
    const field = flat[at] as string;
    const text = flat[at + 1] as string;
    const parsed = parseValueField(field);
    if (field === WRITES_FIELD) writes = text;
    if (isRevisionField(field)) revision += Number(text);
    if (parsed === undefined) continue;
    const state = stateOf(text, aggregate);
    if (state === undefined) continue;
    const known = values.get(parsed.name);
    values.set(parsed.name, known === undefined ? state : aggregate.merge(known, state));
  }
  return { writes, revision, values };
}

/** Undefined for what the aggregate does not know, as other versions may write it: one value must not cost all figures. */
function stateOf(text: string, aggregate: Aggregate): unknown {
  try {
    return aggregate.decode(text);
  } catch {
    return undefined;
  }
}

function sumFields(fields: Readonly<Record<string, string>>): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [field, value] of Object.entries(fields)) {
    const parsed = parseValueField(field);
    if (parsed !== undefined) sums.set(parsed.name, (sums.get(parsed.name) ?? 0) + Number(value));
  }
  return sums;
}
