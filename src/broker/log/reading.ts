import type { PartitionLog } from '../entities/index.js';
import type { LogEvent } from './frame.js';
import type { Tail } from './memory.js';
import type { ReadAhead } from './read-ahead.js';
import type { Segments } from './segments.js';

export interface ReadingDeps {
  readonly segments: Pick<Segments, 'read' | 'findTime'>;
  readonly tail: Pick<Tail, 'read'>;
  readonly readAhead: ReadAhead;
  readonly numbers: Pick<PartitionLog, 'facts'>;
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** Reads the retained events of a partition from where they are: the newest from memory, others from disk. */
export function createReading({ segments, tail, readAhead, numbers }: ReadingDeps) {
  /** As which it has things in `readAhead`. */
  const owner = {};

  async function readStored(sequence: number, limit: number): Promise<readonly LogEvent[]> {
    try {
      const events = await segments.read(sequence);
      if (events.length <= limit) return events;
      readAhead.put(owner, events);
      return events.slice(0, limit);
    } catch (error) {
      // The retention may have removed the file since: what it left is further on.
      const { firstSequence } = numbers.facts();
      if (isMissing(error) && firstSequence > sequence) return readStored(firstSequence, limit);
      throw error;
    }
  }

  return {
    read(sequence: number, limit: number): readonly LogEvent[] | Promise<readonly LogEvent[]> {
      const { firstSequence, lastSequence } = numbers.facts();
      // What the retention took is passed over.
      const from = Math.max(sequence, firstSequence);
      if (from > lastSequence) return [];
      return tail.read(from, limit) ?? readAhead.take(owner, from, limit) ?? readStored(from, limit);
    },

    async findTime(timeMs: number): Promise<number> {
      const found = await segments.findTime(timeMs);
      return Math.max(found, numbers.facts().firstSequence);
    },

    forget: (): void => readAhead.forget(owner),
  };
}
