import { readFileSync } from 'node:fs';
import { paneIndexKey, paneKey, parseValueField, REVISION_FIELD, singleKey } from '../../shared/live-keys.js';
import type { LiveRedis } from './connection.js';

/** The content of one hash, added up over the partitions. */
interface Window {
  readonly revision: string;
  readonly values: ReadonlyMap<string, number>;
}

/** Reads hashes of live figures, keeping what did not change since it was read. */
export interface LiveStore {
  /** The panes that exist among those that start at `startsMs`, all as of one moment. */
  readPanes(metric: string, startsMs: readonly number[]): Promise<Map<number, Window>>;
  /** Starts of the panes that are retained in [fromMs, toMs). */
  paneStarts(metric: string, fromMs: number, toMs: number): Promise<number[]>;
  /** Text values of a metric without panes, by partition: the entry of each under `name`. */
  readTexts(metric: string, name: string): Promise<string[]>;
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
  const caches = new Map<string, Map<number, Window>>();

  const readChunk = async (metric: string, startsMs: readonly number[], cache: Map<number, Window>) => {
    const keys = startsMs.map((startMs) => paneKey(metric, startMs));
    const revisions = startsMs.map((startMs) => cache.get(startMs)?.revision ?? '');
    const answers = await readWindows(keys.length, ...keys, ...revisions);
    const panes = new Map<number, Window>();
    for (const [index, answer] of answers.entries()) {
      const startMs = startsMs[index] as number;
      const pane = Array.isArray(answer) ? parseWindow(answer) : answer === 0 ? cache.get(startMs) : undefined;
      if (pane !== undefined) panes.set(startMs, pane);
    }
    return panes;
  };

  return {
    async readPanes(metric, startsMs) {
      const cache = caches.get(metric) ?? new Map<number, Window>();
      const panes = new Map<number, Window>();
      for (let at = 0; at < startsMs.length; at += MAX_WINDOWS_PER_CALL) {
        const chunk = await readChunk(metric, startsMs.slice(at, at + MAX_WINDOWS_PER_CALL), cache);
        for (const [startMs, pane] of chunk) panes.set(startMs, pane);
      }
      if (startsMs.length <= CACHED_PANES) caches.set(metric, panes);
      return panes;
    },
    async paneStarts(metric, fromMs, toMs) {
      return (await redis.zrangebyscore(paneIndexKey(metric), fromMs, `(${toMs}`)).map(Number);
    },
    async readTexts(metric, name) {
      const fields = await redis.hgetall(singleKey(metric));
      return Object.entries(fields).flatMap(([field, text]) => (parseValueField(field)?.name === name ? [text] : []));
    },
    async readTotals(metric) {
      const fields = await redis.hgetall(singleKey(metric));
      return sumFields(Object.entries(fields));
    },
  };
}

function parseWindow(flat: readonly string[]): Window {
  const fields: [string, string][] = [];
  for (let at = 0; at < flat.length; at += 2) fields.push([flat[at] as string, flat[at + 1] as string]);
  return {
    revision: fields.find(([field]) => field === REVISION_FIELD)?.[1] ?? '',
    values: sumFields(fields),
  };
}

function sumFields(fields: readonly (readonly [string, string])[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [field, value] of fields) {
    const parsed = parseValueField(field);
    if (parsed !== undefined) sums.set(parsed.name, (sums.get(parsed.name) ?? 0) + Number(value));
  }
  return sums;
}
