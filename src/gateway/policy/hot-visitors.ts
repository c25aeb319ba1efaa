import { createHeavyKeys } from './heavy-keys.js';
import type { SharedCounts } from './shared-counts.js';
import { fullBucket, type Rate, spend, type TokenBucket, waitMsOf } from './token-bucket.js';

export interface HotVisitorOptions {
  /** More events than this of one visitor are more than one partition should bear; 0 looks for none. */
  readonly eventsPerSecond: number;
  /** What is done beyond it: told in the log only, or the events above it dropped. */
  readonly action: 'report' | 'drop';
}

/** What is told of a hot visitor: never who it is. One of its events leads to it. */
export interface HotVisitor {
  readonly source: string;
  readonly eventId: string;
  /** Estimated over the time that it took to notice. */
  readonly eventsPerSecond: number;
}

/** Opens a look at the events of one request on their way to a hub. */
export type WatchVisitors = (source: string, nowMs: number) => WatchVisitor;

/** `visitor` chooses the partition. False: the event is above what its visitor may send, and is not to be kept. */
export type WatchVisitor = (visitor: string, eventId: string) => boolean;

const WINDOW_MS = 10_000;
/** One event of so many is counted, at random: the hot are found as surely and the others cost nearly nothing. */
const SAMPLE = 16;
/** Finds whoever makes up more than a thousandth of all events. */
const COUNTERS = 1024;
/** One visitor that is hot is told of once in this time, and no more than so many are dealt with at once. */
const REPORT_INTERVAL_MS = 60_000;
const MAX_HOT = 100;

/**
 * All events of a visitor go to one partition, in order; that is what makes its figures right, so they are never spread.
 * One visitor who sends as much as a whole site (a bot, a test, a server with one id for all) fills that partition and
 * holds up everybody who shares it: it is told of, and if that is wanted held to a rate.
 */
export function createHotVisitors(
  { eventsPerSecond, action }: HotVisitorOptions,
  random: () => number,
  onHot: (visitor: HotVisitor) => void,
  shared?: SharedCounts,
): WatchVisitors | undefined {
  if (eventsPerSecond === 0) return undefined;
  const rate: Rate = { eventsPerSecond, burst: Math.ceil(eventsPerSecond) };
  const limit = (eventsPerSecond * WINDOW_MS) / 1000 / SAMPLE;
  const counts = createHeavyKeys(COUNTERS);
  const hot = new Map<string, { bucket: TokenBucket; seenAtMs: number }>();
  let windowStartMs = Number.NEGATIVE_INFINITY;
  let untilSample = 1;

  const roll = (nowMs: number) => {
    if (nowMs - windowStartMs < WINDOW_MS) return;
    windowStartMs = nowMs;
    counts.clear();
    for (const [key, { seenAtMs }] of hot) if (nowMs - seenAtMs > REPORT_INTERVAL_MS) hot.delete(key);
  };

  const tellSample = shared?.open('visitors', (visitor, count, nowMs) => {
    roll(nowMs);
    for (let times = 0; times < count; times++) counts.add(visitor);
  });
  const tellSpent = shared?.open('hot visitors', (visitor, count) => {
    const known = hot.get(visitor);
    if (known !== undefined) spend(known.bucket, count);
  });

  const sample = (visitor: string, eventId: string, source: string, nowMs: number) => {
    roll(nowMs);
    const count = counts.add(visitor);
    tellSample?.(visitor, 1);
    if (count < limit) return;
    const known = hot.get(visitor);
    if (known !== undefined) {
      known.seenAtMs = nowMs;
      return;
    }
    if (hot.size >= MAX_HOT) return;
    hot.set(visitor, { bucket: fullBucket(rate, nowMs), seenAtMs: nowMs });
    const elapsedMs = Math.max(nowMs - windowStartMs, 1000);
    onHot({ source, eventId, eventsPerSecond: Math.round((count * SAMPLE * 1000) / elapsedMs) });
  };

  return (source, nowMs) => (visitor, eventId) => {
    if (--untilSample === 0) {
      untilSample = 1 + Math.floor(random() * (2 * SAMPLE - 1));
      sample(visitor, eventId, source, nowMs);
    }
    if (hot.size === 0 || action === 'report') return true;
    const bucket = hot.get(visitor)?.bucket;
    if (bucket === undefined) return true;
    if (waitMsOf(bucket, rate, 1, nowMs) > 0) return false;
    spend(bucket, 1);
    tellSpent?.(visitor, 1);
    return true;
  };
}
