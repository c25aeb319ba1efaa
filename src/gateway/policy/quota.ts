const DAY_MS = 86_400_000;

/** Counts the events of one UTC day; false beyond the quota. Undefined when there is no quota. */
export function createQuota(eventsPerDay: number | undefined): ((nowMs: number) => boolean) | undefined {
  if (eventsPerDay === undefined) return undefined;
  let day = -1;
  let taken = 0;
  return (nowMs) => {
    const today = Math.floor(nowMs / DAY_MS);
    if (today !== day) {
      day = today;
      taken = 0;
    }
    if (taken >= eventsPerDay) return false;
    taken++;
    return true;
  };
}
