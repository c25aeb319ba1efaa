import { createFifo } from '../fifo.js';
import type { Load, QueueEntry } from '../queue/types.js';

const NONE = Number.POSITIVE_INFINITY;

/** How much of the records that wait in memory the lanes of one store may keep together. */
export interface RecordBudget {
  freeBytes: number;
}

/**
 * The messages of one session while it is held, in order of sequence number: a window of those that wait in the store, and
 * those that came back, which go before.
 */
export function createLane(publishedUpTo: number, messages: number, budget: RecordBudget) {
  /** What the session has below this is in memory, locked or gone. */
  let cursor = 0;
  /** The newest message that was left in the store. Of what was there before nothing is known. */
  let leftBehind = publishedUpTo - 1;
  const ready = createFifo<QueueEntry>();
  /** By sequence number. */
  const returned: QueueEntry[] = [];

  const isBehind = () => leftBehind >= cursor;

  function push(entry: QueueEntry): void {
    cursor = entry.sequence + 1;
    if (entry.sizeBytes > budget.freeBytes) entry.record = undefined;
    if (entry.record !== undefined) budget.freeBytes -= entry.sizeBytes;
    ready.push(entry);
  }

  function shift(): QueueEntry | undefined {
    const entry = ready.shift();
    if (entry?.record !== undefined) budget.freeBytes += entry.sizeBytes;
    return entry;
  }

  return {
    available: () => ready.length + returned.length,

    /** Whether the store may have messages of the session that are not in memory. */
    isBehind,

    /** The next message. */
    front(): QueueEntry | undefined {
      const [back, waiting] = [returned[0], ready.peek()];
      return back !== undefined && (waiting === undefined || back.sequence < waiting.sequence) ? back : waiting;
    },

    /** Takes the next message out. */
    next(): QueueEntry | undefined {
      const [back, waiting] = [returned[0], ready.peek()];
      if (back !== undefined && (waiting === undefined || back.sequence < waiting.sequence)) return returned.shift();
      return shift();
    },

    /** Puts a message that was taken back in its place. */
    putBack(entry: QueueEntry): void {
      const at = returned.findIndex(({ sequence }) => sequence > entry.sequence);
      returned.splice(at < 0 ? returned.length : at, 0, entry);
    },

    /** A new message of the session is durable. Called in order of sequence number. */
    publish(entry: QueueEntry): void {
      if (isBehind() || ready.length >= messages) leftBehind = entry.sequence;
      else push(entry);
    },

    /** What to read from the store so that the holder can go on; undefined when nothing is missing. */
    wanted(toSequence: number): Load | undefined {
      if (!isBehind() || ready.length > messages / 2) return undefined;
      return { fromSequence: cursor, toSequence, limit: messages };
    },

    /** Answers a `wanted`: the entries found, in order; `complete` when the range has no more. */
    loaded(load: Load, entries: readonly QueueEntry[], complete: boolean): void {
      for (const entry of entries) push(entry);
      if (complete) cursor = load.toSequence;
    },

    /** Below this every message of the session has been taken, if only to be put back. */
    firstUndelivered: (): number => ready.peek()?.sequence ?? cursor,

    /** The lowest number that waits, or may wait in the store; Infinity when there is none. */
    first: (): number =>
      Math.min(returned[0]?.sequence ?? NONE, ready.peek()?.sequence ?? NONE, isBehind() ? cursor : NONE),

    /** Whether a message of the session is or was in memory: then it is here, locked or gone. */
    hasSeen: (sequence: number): boolean => sequence < cursor,

    *entries(): Iterable<QueueEntry> {
      yield* returned;
      yield* ready.toArray();
    },

    /** Takes out what has expired. */
    takeExpired(nowMs: number): QueueEntry[] {
      const lives = ({ expiresAtMs }: QueueEntry) => expiresAtMs > nowMs;
      const expired = [...returned, ...ready.toArray()].filter((entry) => !lives(entry));
      if (expired.length === 0) return expired;
      returned.splice(0, returned.length, ...returned.filter(lives));
      for (let left = ready.length; left > 0; left--) {
        const entry = ready.shift() as QueueEntry;
        if (lives(entry)) ready.push(entry);
        else if (entry.record !== undefined) budget.freeBytes += entry.sizeBytes;
      }
      return expired;
    },

    /** Lets go of what waits in memory; the store has it all. */
    clear(): void {
      while (shift() !== undefined);
      returned.length = 0;
    },
  };
}

export type Lane = ReturnType<typeof createLane>;
