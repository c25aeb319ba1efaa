/**
 * Holds what a hub has against what was accepted, event by event as it is read: each visitor's events are numbered from 0
 * and were all accepted, so their numbers have to come in order and without a gap. An event may come again (Event Hubs does
 * not deduplicate), but the first time is in its place.
 */
export function createArrivals() {
  const nextOf = new Map<string, number>();
  const violations: string[] = [];
  let repeated = 0;
  let arrived = 0;
  return {
    /** @param id `<visitor>.<number>` */
    add(id: string): void {
      const at = id.lastIndexOf('.');
      const [visitor, number] = [id.slice(0, at), Number(id.slice(at + 1))];
      const next = nextOf.get(visitor) ?? 0;
      if (number < next) {
        repeated++;
        return;
      }
      if (number > next) violations.push(`${id} comes before ${visitor}.${next}`);
      arrived++;
      nextOf.set(visitor, number + 1);
    },
    /** @param accepted each visitor's number of events */
    close(accepted: ReadonlyMap<string, number>): void {
      for (const [visitor, count] of accepted) {
        const next = nextOf.get(visitor) ?? 0;
        if (next < count) violations.push(`${visitor}.${next} was accepted and is lost, or a later one`);
      }
    },
    violations: (): readonly string[] => violations,
    figures: () => ({ arrived, repeated }),
  };
}
