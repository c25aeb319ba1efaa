/** What is worth money goes to the topic, one message an event; page views go to the hub. */
export type Kind = 'order' | 'view';

export interface SentEvent {
  readonly id: string;
  readonly kind: Kind;
  readonly visitor: string;
}

/** An answer for one event, for good. What is worth sending again is none. */
export type Answer = 'accepted' | 'duplicate' | 'rejected';

/** What one place of a broker holds at the end, in the order in which it is read. */
export interface Found {
  /** Such as `partition 2`. */
  readonly place: string;
  readonly kind: Kind;
  readonly events: readonly Pick<SentEvent, 'id' | 'visitor'>[];
}

interface Entry extends SentEvent {
  /** Counts what happened: a later one is higher. */
  readonly firstSentAt: number;
  acceptedAt: number | undefined;
  rejected: boolean;
}

/**
 * What clients of the gateway were answered; says at the end where that and what the brokers hold disagree. An event that
 * was sent and never answered may be in its broker or not.
 * @param inOrder whether the order of a visitor's events is promised: each worker of a gateway has an order of its own
 */
export function createGatewayLedger({ inOrder = true } = {}) {
  const entries = new Map<string, Entry>();
  const violations: string[] = [];
  let clock = 0;
  /** Page views that are in the hub more than once: it does not deduplicate. */
  let repeatedViews = 0;

  function countPlaces(found: readonly Found[]): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { kind, place, events } of found) {
      for (const { id, visitor } of events) {
        counts.set(id, (counts.get(id) ?? 0) + 1);
        const entry = entries.get(id);
        if (entry === undefined) violations.push(`${id} is in ${place} and nobody sent it`);
        else if (entry.kind !== kind) violations.push(`${entry.kind} ${id} is in ${place}`);
        else if (entry.visitor !== visitor) violations.push(`${id} of ${entry.visitor} is in ${place} as ${visitor}'s`);
      }
    }
    return counts;
  }

  function judge({ id, kind, acceptedAt, rejected }: Entry, count: number): void {
    if (rejected && acceptedAt !== undefined) violations.push(`${kind} ${id} was accepted and rejected`);
    else if (rejected && count > 0) violations.push(`${kind} ${id} was rejected and is there`);
    if (acceptedAt !== undefined && count === 0) violations.push(`${kind} ${id} was accepted and is lost`);
    if (kind === 'order' && count > 1) violations.push(`order ${id} is there ${count} times`);
    if (kind === 'view' && count > 1) repeatedViews += count - 1;
  }

  /**
   * Of two events of a visitor, one sent for the first time after the other was accepted, the later one comes later. Where
   * one is there several times its first place counts: consumers know the rest by the id.
   */
  function judgeOrder({ place, events }: Found): void {
    const seen = new Set<string>();
    const latest = new Map<string, Entry>();
    for (const { id } of events) {
      const entry = entries.get(id);
      if (entry === undefined || seen.has(id)) continue;
      seen.add(id);
      const before = latest.get(entry.visitor);
      if (before === undefined || before.firstSentAt < entry.firstSentAt) latest.set(entry.visitor, entry);
      if (before !== undefined && entry.acceptedAt !== undefined && before.firstSentAt > entry.acceptedAt)
        violations.push(`${place}: ${before.id} was sent after ${id} was accepted and comes before it`);
    }
  }

  function judgePartitions(found: readonly Found[]): void {
    const placeOf = new Map<string, string>();
    for (const { kind, place, events } of found) {
      if (kind !== 'view') continue;
      for (const { visitor } of events) {
        const other = placeOf.get(visitor) ?? place;
        if (other !== place) violations.push(`${visitor} is in ${other} and in ${place}`);
        placeOf.set(visitor, place);
      }
    }
  }

  return {
    /** Before events go out in one request, for the first time or again. */
    sending(events: readonly SentEvent[]): void {
      clock++;
      for (const event of events) {
        if (entries.has(event.id)) continue;
        entries.set(event.id, { ...event, firstSentAt: clock, acceptedAt: undefined, rejected: false });
      }
    },
    /** `duplicate` says that it was accepted before, whether its client was told or not. */
    answered(id: string, answer: Answer): void {
      const entry = entries.get(id);
      clock++;
      if (entry === undefined) violations.push(`${id} was answered and nobody sent it`);
      else if (answer === 'rejected') entry.rejected = true;
      else entry.acceptedAt ??= clock;
    },
    /** A promise that was seen to be broken while the load was on. */
    broken: (text: string): void => void violations.push(text),
    /** Holds everything that brokers have against what was answered. */
    close(found: readonly Found[]): void {
      const counts = countPlaces(found);
      for (const entry of entries.values()) judge(entry, counts.get(entry.id) ?? 0);
      if (inOrder) for (const one of found) judgeOrder(one);
      judgePartitions(found);
    },
    violations: (): readonly string[] => violations,
    figures() {
      const all = [...entries.values()];
      const accepted = (kind: Kind) => all.filter((one) => one.kind === kind && one.acceptedAt !== undefined).length;
      return {
        orders: accepted('order'),
        views: accepted('view'),
        rejected: all.filter(({ rejected }) => rejected).length,
        unanswered: all.filter(({ rejected, acceptedAt }) => !rejected && acceptedAt === undefined).length,
        repeatedViews,
      };
    },
  };
}

export type GatewayLedger = ReturnType<typeof createGatewayLedger>;
