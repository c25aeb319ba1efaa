import type { SharedCounts } from './shared-counts.js';

const DAY_MS = 86_400_000;
const QUOTA = 'quota ';

/** Of the names under which processes tell each other what they count: it is one of a quota, and good for its UTC day. */
export const isOfQuota = (name: string): boolean => name.startsWith(QUOTA);

/** The number of a UTC day. */
export const dayOf = (nowMs: number): number => Math.floor(nowMs / DAY_MS);

/** Counts the events of one UTC day; false beyond the quota. Undefined when there is no quota. */
export function createQuota(
  eventsPerDay: number | undefined,
  shared?: { readonly counts: SharedCounts | undefined; readonly name: string },
): ((nowMs: number) => boolean) | undefined {
  if (eventsPerDay === undefined) return undefined;
  let day = -1;
  let taken = 0;
  const turnTo = (nowMs: number) => {
    const today = dayOf(nowMs);
    if (today === day) return;
    day = today;
    taken = 0;
  };
  const tell = shared?.counts?.open(`${QUOTA}${shared.name}`, (_key, count, nowMs) => {
    turnTo(nowMs);
    taken += count;
  });
  return (nowMs) => {
    turnTo(nowMs);
    if (taken >= eventsPerDay) return false;
    taken++;
    tell?.('', 1);
    return true;
  };
}
