export interface BackoffOptions {
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

/** Exponential backoff with full jitter: a random wait between 0 and the doubled ceiling of this attempt. */
export function backoffMs(attempt: number, options: BackoffOptions, random: () => number): number {
  const ceilingMs = Math.min(options.maxDelayMs, options.firstDelayMs * 2 ** Math.min(attempt, 30));
  return Math.round(random() * ceilingMs);
}
