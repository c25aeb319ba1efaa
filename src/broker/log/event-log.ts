import { createPartitionLog, type PartitionLog } from '../entities/index.js';
import type { CommitMeter } from '../store/index.js';
import { type Batch, createEncoding } from './encoding.js';
import { createFlushing } from './flushing.js';
import type { LogEvent } from './frame.js';
import type { Tail } from './memory.js';
import type { ReadAhead } from './read-ahead.js';
import { createReading } from './reading.js';
import { createRolling } from './rolling.js';
import type { Segments } from './segments.js';

interface Retention {
  /** Events that came before this may go. */
  readonly oldestMs: number;
  readonly maxBytes: number;
}

/** The events of one partition on disk, and the newest of all in memory. */
export interface EventLog {
  /** Changed by the log alone. */
  readonly numbers: PartitionLog;
  /** The newest note that is durable. */
  note(): Buffer | undefined;
  /**
   * Resolves when the batch is durable and can be read.
   * @throws BrokerError PS_BROKER_DISK_FULL, when nothing of it was kept; PS_BROKER_STORE_FAILED, PS_BROKER_STORE_CLOSED.
   */
  append(batch: Batch): Promise<void>;
  /** Events from `sequence` on: at once from memory, else from disk; none at the end. */
  read(sequence: number, limit: number): readonly LogEvent[] | Promise<readonly LogEvent[]>;
  /** The first event of at least `timeMs`, or the number behind the last one. */
  findTime(timeMs: number): Promise<number>;
  /** Forgets what is too old or too much, and removes its files. */
  retain(retention: Retention): Promise<void>;
}

export interface EventLogDeps {
  readonly name: string;
  readonly segments: Segments;
  readonly tail: Tail;
  readonly readAhead: ReadAhead;
  readonly segmentBytes: () => number;
  /** Asks for a `flush` soon. */
  readonly schedule: (flush: () => Promise<void>) => void;
  /** Memory has run ahead of the disk in a way that only a restart mends. */
  readonly onFailure: (error: unknown) => void;
  readonly meter: CommitMeter | undefined;
  /** Bytes of all logs that wait for the disk. */
  readonly pending: { bytes: number };
  /** The oldest event that was retained when that was last noted. */
  readonly firstSequence: number;
  readonly lostAtEnd: number;
}

export interface ClosableEventLog extends EventLog {
  /** Refuses further appends and resolves when those before are durable. */
  close(): Promise<void>;
}

export function createEventLog(deps: EventLogDeps): ClosableEventLog {
  const { name, segments, tail, readAhead, schedule, onFailure, meter, pending } = deps;
  const index = segments.newest();
  const numbers = createPartitionLog({
    nextSequence: index.nextSequence(),
    firstSequence: Math.min(index.nextSequence(), Math.max(segments.firstBase(), deps.firstSequence)),
    lastEnqueuedAtMs: index.lastEnqueuedAtMs(),
    lostAtEnd: deps.lostAtEnd,
  });
  const encode = createEncoding({ tail, numbers, durableBelow: () => segments.newest().nextSequence() });
  const flushing = createFlushing({
    ...{ name, schedule, onFailure, meter, pending },
    store: createRolling(segments, deps.segmentBytes),
    takeUnwritten: tail.takeUnwritten,
    publish() {
      const newest = segments.newest();
      tail.publish(newest.nextSequence());
      numbers.publish(newest.nextSequence(), newest.lastEnqueuedAtMs());
    },
    abandon() {
      numbers.abandon();
      tail.abandon();
    },
  });
  const reading = createReading({ segments, tail, readAhead, numbers });

  return {
    numbers,
    note: () => segments.newest().note(),

    append(batch) {
      const refusal = flushing.refusal();
      return refusal === undefined ? flushing.add(encode(batch)) : Promise.reject(refusal);
    },

    read: reading.read,
    findTime: reading.findTime,

    async retain({ oldestMs, maxBytes }) {
      numbers.truncate(Math.max(await segments.findTime(oldestMs), segments.baseWithin(maxBytes)));
      const newest = segments.newest();
      const isAllToGo = numbers.facts().isEmpty && newest.nextSequence() > newest.base;
      if (isAllToGo && flushing.refusal() === undefined) await flushing.beginAnew();
      await segments.dropBelow(numbers.facts().firstSequence);
      await segments.saveIndex();
    },

    async close() {
      await flushing.end();
      await segments.saveIndex().catch(() => {});
      await segments.close();
      reading.forget();
      tail.release();
    },
  };
}
