import { sipHash } from '../../shared/siphash.js';
import { createKeys } from './keys.js';

/**
 * The event ids of a partition's recent past, to tell a repeated event from a new one: Event Hubs does not deduplicate.
 * Ids are kept as 64-bit hashes in two generations of bounded size, so memory is bounded and forgetting costs nothing.
 * Two different ids are taken for one another about once in 10^13 events.
 */
export interface IdHistory {
  /**
   * Remembers an event that reached the hub at `nowMs`, when the newest one was of `watermarkMs`. Returns false when it is
   * remembered already.
   */
  add(event: Identity, nowMs: number, watermarkMs: number): boolean;
  /** Everything that is remembered, for a snapshot. */
  save(): SavedIds;
  readonly size: number;
  /** How far back from `nowMs` every id is remembered; infinitely while none was forgotten. */
  rememberedMs(nowMs: number): number;
}

/** Two sites may give their events the same ids: CloudEvents are told apart by source and id. */
interface Identity {
  readonly id: string;
  /** Another producer may send anything. */
  readonly source?: unknown;
}

export interface IdHistoryOptions {
  /**
   * Ids are remembered in two generations; the older is forgotten when the newer has lasted longer than this, both by when
   * events reached the hub and by their own time: in a quiet partition an event of hours ago still counts …
   */
  readonly rotateAfterMs: number;
  /** … or holds this many, which may be sooner. */
  readonly maxIdsPerGeneration: number;
}

/** Of an id nothing is known but that it was there. */
const NO_RECORDS = () => {};

export type Seed = readonly [number, number];

export interface SavedIds {
  readonly seed: Seed;
  readonly rotatedAtMs: number;
  readonly rotatedWatermarkMs: number;
  /** Ids that came before may be forgotten; -Infinity while none is. */
  readonly knownSinceMs: number;
  /** Pairs of 32-bit halves. */
  readonly current: Uint32Array;
  readonly previous: Uint32Array;
}

/** `seed` keys the hash of a new history: who does not know it cannot make ids that are taken for one another. */
export function createIdHistory(options: IdHistoryOptions, newSeed: Seed, saved?: SavedIds): IdHistory {
  const seed = saved?.seed ?? newSeed;
  let current = createKeys(NO_RECORDS, saved?.current);
  let previous = createKeys(NO_RECORDS, saved?.previous);
  let rotatedAtMs = saved?.rotatedAtMs ?? Number.NEGATIVE_INFINITY;
  let rotatedWatermarkMs = saved?.rotatedWatermarkMs ?? Number.NEGATIVE_INFINITY;
  let knownSinceMs = saved?.knownSinceMs ?? Number.NEGATIVE_INFINITY;
  /** Most events that follow one another are of one source: its key is made once for them. */
  let keyedSource: unknown = Number.NaN;
  let [key0, key1] = seed;
  const keyTo = (source: unknown) => {
    keyedSource = source;
    ({ high: key0, low: key1 } = sipHash(typeof source === 'string' ? source : '', seed[0], seed[1]));
  };
  return {
    add({ id, source }, nowMs, watermarkMs) {
      if (source !== keyedSource) keyTo(source);
      if (rotatedAtMs === Number.NEGATIVE_INFINITY) rotatedAtMs = nowMs;
      if (rotatedWatermarkMs === Number.NEGATIVE_INFINITY) rotatedWatermarkMs = watermarkMs;
      const lasted =
        nowMs - rotatedAtMs > options.rotateAfterMs && watermarkMs - rotatedWatermarkMs > options.rotateAfterMs;
      if (lasted || current.size >= options.maxIdsPerGeneration) {
        if (previous.size > 0) knownSinceMs = rotatedAtMs;
        previous = current;
        current = createKeys(NO_RECORDS);
        rotatedAtMs = nowMs;
        rotatedWatermarkMs = watermarkMs;
      }
      const key = sipHash(id, key0, key1);
      if (previous.find(key) >= 0 || current.find(key) >= 0) return false;
      current.add(key);
      return true;
    },
    save: () => ({
      seed,
      rotatedAtMs,
      rotatedWatermarkMs,
      knownSinceMs,
      current: current.save(),
      previous: previous.save(),
    }),
    get size() {
      return current.size + previous.size;
    },
    rememberedMs: (nowMs) => nowMs - knownSinceMs,
  };
}
