/** The time to live of a message in an entity, whose own is the longest that there is; undefined when it has none. */
export const lifeIn = (ttlMs: number | undefined, longestMs: number): number | undefined =>
  Number.isFinite(longestMs) && (ttlMs ?? Number.POSITIVE_INFINITY) > longestMs ? longestMs : ttlMs;
