/** How many events may come: at a steady rate, and at once. */
export interface Rate {
  readonly eventsPerSecond: number;
  /** Most events at once, after a pause. */
  readonly burst: number;
}

/** What is left of a burst, and when that was reckoned. */
export interface TokenBucket {
  tokens: number;
  atMs: number;
}

export function fullBucket(rate: Rate, nowMs: number): TokenBucket {
  return { tokens: rate.burst, atMs: nowMs };
}

/**
 * Milliseconds until `count` events may pass; 0 when they may now. A request of more events than a burst passes when the
 * bucket is full, and leaves a debt: it could never pass otherwise.
 */
export function waitMsOf(bucket: TokenBucket, rate: Rate, count: number, nowMs: number): number {
  refill(bucket, rate, nowMs);
  const missing = Math.min(count, rate.burst) - bucket.tokens;
  return missing <= 0 ? 0 : (missing * 1000) / rate.eventsPerSecond;
}

/** Takes the tokens of events that pass. */
export function spend(bucket: TokenBucket, count: number): void {
  bucket.tokens -= count;
}

function refill(bucket: TokenBucket, rate: Rate, nowMs: number): void {
  // A clock that is set back earns nothing and costs nothing.
  const elapsedMs = Math.max(0, nowMs - bucket.atMs);
  bucket.tokens = Math.min(rate.burst, bucket.tokens + (elapsedMs * rate.eventsPerSecond) / 1000);
  bucket.atMs = nowMs;
}
