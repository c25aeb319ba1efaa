import { createFifo } from '../fifo.js';
import type { Load, QueueEntry, QueueState, WindowBounds } from './types.js';

export type Window = ReturnType<typeof createWindow>;

/**
 * The messages that can be taken next, in order of sequence number: a window of those that wait in the store, and those
 * that came back, which go before the ones that wait.
 */
export function createWindow(initial: QueueState, bounds: WindowBounds) {
  /** Everything below is durable and may be delivered. */
  let published = initial.nextSequence;
  /** Everything below is in memory or gone; what is from here up to `published` waits in the store. */
  let cursor = initial.firstSequence;
  let readyBytes = 0;
  const ready = createFifo<QueueEntry>();
  /** By sequence number. */
  const returned: QueueEntry[] = [];

  return {
    /** How many messages could be taken right now. */
    available: () => ready.length + returned.length,

    /** Takes the next message out of the window. */
    next(): QueueEntry | undefined {
      const [back, waiting] = [returned[0], ready.peek()];
      if (back !== undefined && (waiting === undefined || back.sequence < waiting.sequence)) return returned.shift();
      if (waiting === undefined) return undefined;
      ready.shift();
      readyBytes -= waiting.sizeBytes;
      return waiting;
    },

    /** Puts a message that was taken back in its place. */
    putBack(entry: QueueEntry): void {
      let low = 0;
      let high = returned.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if ((returned[middle] as QueueEntry).sequence < entry.sequence) low = middle + 1;
        else high = middle;
      }
      returned.splice(low, 0, entry);
    },

    /** A new message is durable. Called in order of sequence number. */
    publish(entry: QueueEntry): void {
      const { sequence, sizeBytes } = entry;
      const followsOn = cursor === sequence && published === sequence;
      published = sequence + 1;
      if (!followsOn || ready.length >= bounds.messages || readyBytes + sizeBytes > bounds.bytes) return;
      cursor = sequence + 1;
      readyBytes += sizeBytes;
      ready.push(entry);
    },

    /** What to read from the store so that receivers can go on; undefined when nothing is missing. */
    wanted(): Load | undefined {
      const limit = Math.ceil(bounds.messages / 4);
      if (cursor >= published || ready.length > limit / 2) return undefined;
      return { fromSequence: cursor, toSequence: published, limit };
    },

    /** Answers a `wanted`: the entries found, in order; `complete` when the range has no more. */
    loaded(load: Load, entries: readonly QueueEntry[], complete: boolean): void {
      for (const entry of entries) {
        ready.push(entry);
        readyBytes += entry.sizeBytes;
        cursor = entry.sequence + 1;
      }
      if (complete) cursor = load.toSequence;
    },

    /** The range whose messages are in the store alone. */
    ahead: () => ({ fromSequence: cursor, toSequence: published }),

    /** Takes out what has expired. */
    takeExpired(nowMs: number): QueueEntry[] {
      const lives = ({ expiresAtMs }: QueueEntry) => expiresAtMs > nowMs;
      const expired = [
        ...returned.filter((entry) => !lives(entry)),
        ...ready.toArray().filter((entry) => !lives(entry)),
      ];
      if (expired.length === 0) return expired;
      returned.splice(0, returned.length, ...returned.filter(lives));
      const living = ready.toArray().filter(lives);
      ready.clear();
      readyBytes = 0;
      for (const entry of living) {
        ready.push(entry);
        readyBytes += entry.sizeBytes;
      }
      return expired;
    },

    *entries(): Iterable<QueueEntry> {
      yield* returned;
      yield* ready.toArray();
    },

    /** Below this every message has been taken, if only to be put back. */
    firstUndelivered: (): number => ready.peek()?.sequence ?? cursor,

    /** The lowest number that still waits, in memory or in the store. */
    first: (): number => Math.min(returned[0]?.sequence ?? cursor, ready.peek()?.sequence ?? cursor),
  };
}
