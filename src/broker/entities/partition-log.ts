import { eventKey } from '../store/keys.js';
import type { Write } from '../store/types.js';

/** What is kept of a partition beside its events. */
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
  | { readonly kind: 'sequence'; readonly sequence: number; readonly inclusive: boolean }
  | { readonly kind: 'enqueued-time'; readonly timeMs: number; readonly inclusive: boolean };

export type Resolved =
  | { readonly kind: 'at'; readonly sequence: number }
  /** The first event of at least `fromMs` has to be searched from `low` up to, and without, `high`. */
  | { readonly kind: 'search'; readonly fromMs: number; readonly low: number; readonly high: number }
  | { readonly kind: 'beyond-end'; readonly lastSequence: number };

export interface LogEvent {
  readonly sequence: number;
  readonly record: Buffer;
}

/** Newest events that stay in memory for the readers that keep up. */
const RECENT_BYTES = 16 * 1024 * 1024;

/** The offset of an event: opaque to clients, and for us its sequence number in text. */
export const offsetOf = (sequence: number): string => String(sequence);

/**
 * One partition: a log of events whose sequence numbers begin at 0 and have no gaps. Pure, like the queue: it answers
 * writes, and shows an event to readers once `publish` says that it is durable.
 */
export function createPartitionLog(id: number, initial: LogState) {
  let { nextSequence, firstSequence, lastEnqueuedAtMs } = initial;
  let published = nextSequence;
  let publishedAtMs = lastEnqueuedAtMs;
  let recent: LogEvent[] = [];
  let recentBytes = 0;
  let recentTimes: number[] = [];
  let changed = false;

  function trimRecent(): void {
    let drop = 0;
    while (recentBytes > RECENT_BYTES && drop < recent.length - 1) {
      recentBytes -= (recent[drop++] as LogEvent).record.length;
    }
    // Dropping a few at a time from an array is costly; a quarter at once is not.
    if (drop > 0) {
      recent = recent.slice(drop);
      recentTimes = recentTimes.slice(drop);
    }
  }

  const recentFrom = () => recent[0]?.sequence ?? published;

  return {
    id,

    /** The number and time of the next event. Times never go back within a partition. */
    stamp: (nowMs: number) => ({ sequence: nextSequence, enqueuedAtMs: Math.max(nowMs, lastEnqueuedAtMs) }),

    /** Appends a record as the event that `stamp` announced. */
    append(record: Buffer, enqueuedAtMs: number): Write {
      const sequence = nextSequence++;
      lastEnqueuedAtMs = enqueuedAtMs;
      changed = true;
      return { key: eventKey(id, sequence), value: record };
    },

    /** Called in order when the append is durable. */
    publish(event: LogEvent, enqueuedAtMs: number): void {
      published = event.sequence + 1;
      publishedAtMs = enqueuedAtMs;
      recent.push(event);
      recentTimes.push(enqueuedAtMs);
      recentBytes += event.record.length;
      if (recentBytes > RECENT_BYTES * 1.25) trimRecent();
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
          return first > published ? { kind: 'beyond-end', lastSequence: published - 1 } : at(first);
        }
        case 'enqueued-time': {
          const fromMs = position.inclusive ? position.timeMs : position.timeMs + 1;
          if (published === firstSequence || fromMs > publishedAtMs) return at(published);
          return { kind: 'search', fromMs, low: firstSequence, high: published };
        }
      }
    },

    /** Events from `sequence` on that are in memory, or `undefined` when they have to be read from the store. */
    readRecent(sequence: number, limit: number): readonly LogEvent[] | undefined {
      if (sequence >= published) return [];
      const from = recentFrom();
      return sequence < from ? undefined : recent.slice(sequence - from, sequence - from + limit);
    },

    /** Where the store has to be read up to: the oldest event in memory. */
    storedUpTo: (): number => recentFrom(),

    /** Forgets every event below `sequence`. */
    truncate(sequence: number): Write[] {
      const end = Math.min(sequence, published);
      const writes: Write[] = [];
      for (; firstSequence < end; firstSequence++) writes.push({ key: eventKey(id, firstSequence) });
      if (writes.length > 0) changed = true;
      return writes;
    },

    facts: () => ({
      firstSequence,
      lastSequence: published - 1,
      lastOffset: published === 0 ? '-1' : offsetOf(published - 1),
      lastEnqueuedAtMs: publishedAtMs,
      isEmpty: firstSequence === published,
    }),

    state: (): LogState => ({ nextSequence, firstSequence, lastEnqueuedAtMs }),

    changedState(): LogState | undefined {
      if (!changed) return undefined;
      changed = false;
      return { nextSequence, firstSequence, lastEnqueuedAtMs };
    },
  };
}
