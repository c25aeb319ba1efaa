/** The numbers of a partition. */
export interface LogState {
  readonly nextSequence: number;
  /** The oldest event that is retained; equal to `nextSequence` when none is. */
  readonly firstSequence: number;
  readonly lastEnqueuedAtMs: number;
}

export const EMPTY_LOG: LogState = { nextSequence: 0, firstSequence: 0, lastEnqueuedAtMs: 0 };

/** Where a reader begins. `inclusive` counts the named event in. */
export type Position =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  /** `byOffset` says how the client put it: an offset is a sequence number in text. */
  | { readonly kind: 'sequence'; readonly sequence: number; readonly inclusive: boolean; readonly byOffset?: boolean }
  | { readonly kind: 'enqueued-time'; readonly timeMs: number; readonly inclusive: boolean };

export type Resolved =
  | { readonly kind: 'at'; readonly sequence: number }
  /** The first event of at least `fromMs` has to be searched for; there is one. */
  | { readonly kind: 'search'; readonly fromMs: number }
  | { readonly kind: 'beyond-end'; readonly lastSequence: number };

/** The offset of an event: opaque to clients, and for us its sequence number in text. */
export const offsetOf = (sequence: number): string => String(sequence);

/**
 * The numbers of one partition: events count from 0 without gaps, but for those that a repair could not read, and their
 * times never go back. Pure: what it numbers is shown to readers once `publish` says that it is durable.
 * @param initial `lostAtEnd`: how many of the numbers below the next one are of no event any more
 */
export function createPartitionLog(initial: LogState & { readonly lostAtEnd?: number }) {
  let { nextSequence, lastEnqueuedAtMs, lostAtEnd = 0 } = initial;
  let published = nextSequence;
  let publishedAtMs = lastEnqueuedAtMs;
  /** Where nothing but lost events is left there is nothing to begin with. */
  const oldest = (sequence: number) => (sequence >= published - lostAtEnd ? published : sequence);
  let firstSequence = oldest(initial.firstSequence);

  // With all events gone it is the number before the next, as ever.
  const lastSequence = () => published - 1 - (firstSequence < published ? lostAtEnd : 0);

  return {
    /** The number and time of the next event. */
    stamp: (nowMs: number) => ({ sequence: nextSequence, enqueuedAtMs: Math.max(nowMs, lastEnqueuedAtMs) }),

    /** Takes the numbers of `count` events that came at the time that `stamp` said. */
    append(count: number, enqueuedAtMs: number): void {
      nextSequence += count;
      lastEnqueuedAtMs = enqueuedAtMs;
    },

    /** Everything below `end` is durable. */
    publish(end: number, enqueuedAtMs: number): void {
      if (end > published) lostAtEnd = 0;
      published = end;
      publishedAtMs = enqueuedAtMs;
    },

    /** What was not published was not kept: its numbers are given again. */
    abandon(): void {
      nextSequence = published;
      lastEnqueuedAtMs = publishedAtMs;
    },

    /** Where a reader at `position` begins. */
    resolve(position: Position): Resolved {
      const at = (sequence: number): Resolved => ({ kind: 'at', sequence: Math.max(firstSequence, sequence) });
      switch (position.kind) {
        case 'earliest':
          return at(firstSequence);
        case 'latest':
          return at(published);
        case 'sequence': {
          const first = position.inclusive ? position.sequence : position.sequence + 1;
          return first > published ? { kind: 'beyond-end', lastSequence: lastSequence() } : at(first);
        }
        case 'enqueued-time': {
          const fromMs = position.inclusive ? position.timeMs : position.timeMs + 1;
          if (published === firstSequence || fromMs > publishedAtMs) return at(published);
          return { kind: 'search', fromMs };
        }
      }
    },

    /** Forgets every event below `sequence`. */
    truncate(sequence: number): void {
      firstSequence = Math.max(firstSequence, oldest(sequence));
    },

    facts: () => ({
      firstSequence,
      lastSequence: lastSequence(),
      lastOffset: published === 0 ? '-1' : offsetOf(lastSequence()),
      lastEnqueuedAtMs: publishedAtMs,
      isEmpty: firstSequence === published,
    }),

    /** What is durable. */
    state: (): LogState => ({ nextSequence: published, firstSequence, lastEnqueuedAtMs: publishedAtMs }),
  };
}

export type PartitionLog = ReturnType<typeof createPartitionLog>;
