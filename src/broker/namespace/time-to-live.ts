interface Mortal {
  readonly ttlMs: number | undefined;
}

/** A message as an entity takes it, whose own time to live is the longest that there is. */
export function withLife<M extends Mortal>(message: M, longestMs: number): M {
  const longer = Number.isFinite(longestMs) && (message.ttlMs ?? Number.POSITIVE_INFINITY) > longestMs;
  return longer ? { ...message, ttlMs: longestMs } : message;
}
