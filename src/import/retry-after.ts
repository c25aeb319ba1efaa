/**
 * The wait that a `Retry-After` header asks for (RFC 9110, 10.2.3: seconds, or a date), at the most `maxMs`. Undefined
 * when there is none or it is neither.
 */
export function retryAfterMs(header: string | null, nowMs: number, maxMs: number): number | undefined {
  if (header === null) return undefined;
  const text = header.trim();
  const waitMs = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(waitMs) ? undefined : Math.min(maxMs, Math.max(0, waitMs));
}
