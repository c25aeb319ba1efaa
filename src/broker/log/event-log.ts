import { messageOf } from '../../shared/errors.js';
import { createPartitionLog, type PartitionLog } from '../entities/index.js';
import { BrokerError, isDiskFull } from '../errors.js';
import type { CommitMeter } from '../store/index.js';
import { EVENT_HEAD_BYTES, eventsStart, frameBytes, type LogEvent, openingFrame, sealFrame } from './frame.js';
import type { Tail } from './memory.js';
import type { ReadAhead } from './read-ahead.js';
import type { IndexedFrame } from './segment-index.js';
import type { Segments } from './segments.js';

/** Events that are appended together: durable, visible and, where it comes to that, lost together. */
interface Batch {
  readonly enqueuedAtMs: number;
  /** Bytes of each record. */
  readonly sizes: readonly number[];
  /** Writes record `index` at `at`. */
  write(into: Buffer, at: number, index: number): void;
  /** State of the partition that is durable if and only if the events are; it replaces what was noted before. */
  readonly note?: Buffer | undefined;
}

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

interface Waiter {
  readonly frame: IndexedFrame;
  resolve(): void;
  reject(error: unknown): void;
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

const bytesOf = (waiters: readonly Waiter[]): number => waiters.reduce((sum, { frame }) => sum + frame.bytes, 0);

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

export function createEventLog(deps: EventLogDeps): ClosableEventLog {
  const { name, segments, tail, readAhead, schedule, meter, pending } = deps;
  const index = segments.newest();
  const numbers = createPartitionLog({
    nextSequence: index.nextSequence(),
    firstSequence: Math.min(index.nextSequence(), Math.max(segments.firstBase(), deps.firstSequence)),
    lastEnqueuedAtMs: index.lastEnqueuedAtMs(),
    lostAtEnd: deps.lostAtEnd,
  });
  let gathering: Waiter[] = [];
  let flushing: Promise<void> | undefined;
  let refusal: BrokerError | undefined;
  /** Waits for a new segment, for when all events of the newest are to go. */
  let fresh: (() => void) | undefined;

  function encode({ sizes, write, note, enqueuedAtMs }: Batch): IndexedFrame {
    let recordBytes = 0;
    for (const size of sizes) recordBytes += size;
    const bytes = frameBytes(recordBytes, sizes.length, note);
    const room = tail.reserve(bytes);
    const { buffer, start } = room;
    const { sequence } = numbers.stamp(enqueuedAtMs);
    let at = eventsStart(start, note);
    for (let event = 0; event < sizes.length; event++) {
      const size = sizes[event] as number;
      buffer.writeUInt32BE(size, at);
      write(buffer, at + EVENT_HEAD_BYTES, event);
      at += EVENT_HEAD_BYTES + size;
    }
    const fields = { sequence, count: sizes.length, enqueuedAtMs, note };
    sealFrame(buffer, room, { ...fields, durableBelow: segments.newest().nextSequence() });
    tail.add(room, { sequence, count: sizes.length, eventsAt: eventsStart(start, note) });
    numbers.append(sizes.length, enqueuedAtMs);
    return { ...fields, bytes };
  }

  /** Writes frames to the newest segment, or to a new one when that is full. */
  async function store(slices: Buffer[], frames: IndexedFrame[], anew: boolean): Promise<void> {
    const newest = segments.newest();
    const isFirst = newest.bytes() === 0;
    const bytes = frames.reduce((sum, frame) => sum + frame.bytes, newest.bytes());
    const holdsEvents = newest.nextSequence() > newest.base;
    const isFullSegment = holdsEvents && (anew || bytes > deps.segmentBytes());
    if (!isFirst && !isFullSegment) {
      await segments.append(slices, frames);
      return;
    }
    const sequence = newest.nextSequence();
    const opening = { sequence, enqueuedAtMs: newest.lastEnqueuedAtMs(), note: newest.note() };
    const head = openingFrame({ ...opening, durableBelow: sequence });
    await segments.begin(sequence, [head, ...slices], [{ ...opening, count: 0, bytes: head.length }, ...frames]);
  }

  /** Puts memory back to where the disk is, or gives up. */
  function fail(cause: unknown, served: readonly Waiter[]): void {
    const full = isDiskFull(cause);
    const message = `the event log ${name} could not be written: ${full ? 'the disk is full' : messageOf(cause)}`;
    const error = new BrokerError(full ? 'PS_BROKER_DISK_FULL' : 'PS_BROKER_STORE_FAILED', message, { cause });
    if (!full) refusal = error;
    const refused = [...served, ...gathering];
    gathering = [];
    // Those that came meanwhile have numbers that follow on those of the failed ones: they go as well.
    numbers.abandon();
    tail.abandon();
    pending.bytes -= bytesOf(refused);
    for (const waiter of refused) waiter.reject(error);
    if (!full) deps.onFailure(error);
  }

  async function write(): Promise<void> {
    const [served, anew] = [gathering, fresh];
    gathering = [];
    fresh = undefined;
    if (served.length === 0 && anew === undefined) return;
    const frames = served.map(({ frame }) => frame);
    const sinceMs = meter?.now() ?? 0;
    try {
      await store(tail.takeUnwritten(), frames, anew !== undefined);
    } catch (cause) {
      fail(cause, served);
      return;
    } finally {
      anew?.();
    }
    const bytes = bytesOf(served);
    pending.bytes -= bytes;
    if (served.length > 0) meter?.committed({ durationMs: meter.now() - sinceMs, callers: served.length, bytes });
    const newest = segments.newest();
    tail.publish(newest.nextSequence());
    numbers.publish(newest.nextSequence(), newest.lastEnqueuedAtMs());
    for (const waiter of served) waiter.resolve();
  }

  function flush(): Promise<void> {
    flushing = write().finally(() => {
      flushing = undefined;
    });
    return flushing;
  }

  async function readStored(sequence: number, limit: number): Promise<readonly LogEvent[]> {
    try {
      const events = await segments.read(sequence);
      if (events.length <= limit) return events;
      readAhead.put(deps, events);
      return events.slice(0, limit);
    } catch (error) {
      // The retention may have removed the file since: what it left is further on.
      const { firstSequence } = numbers.facts();
      if (isMissing(error) && firstSequence > sequence) return readStored(firstSequence, limit);
      throw error;
    }
  }

  /** Makes a new segment, so that the newest can be removed with all its events. */
  function beginAnew(): Promise<void> {
    return new Promise((resolve) => {
      fresh = resolve;
      schedule(flush);
    });
  }

  return {
    numbers,
    note: () => segments.newest().note(),

    append(batch) {
      if (refusal !== undefined) return Promise.reject(refusal);
      const frame = encode(batch);
      pending.bytes += frame.bytes;
      return new Promise((resolve, reject) => {
        gathering.push({ frame, resolve, reject });
        schedule(flush);
      });
    },

    read(sequence, limit) {
      const { firstSequence, lastSequence } = numbers.facts();
      // What the retention took is passed over.
      const from = Math.max(sequence, firstSequence);
      if (from > lastSequence) return [];
      return tail.read(from, limit) ?? readAhead.take(deps, from, limit) ?? readStored(from, limit);
    },

    async findTime(timeMs) {
      const found = await segments.findTime(timeMs);
      return Math.max(found, numbers.facts().firstSequence);
    },

    async retain({ oldestMs, maxBytes }) {
      numbers.truncate(Math.max(await segments.findTime(oldestMs), segments.baseWithin(maxBytes)));
      const newest = segments.newest();
      if (numbers.facts().isEmpty && newest.nextSequence() > newest.base && refusal === undefined) await beginAnew();
      await segments.dropBelow(numbers.facts().firstSequence);
      await segments.saveIndex();
    },

    async close() {
      refusal ??= new BrokerError('PS_BROKER_STORE_CLOSED', 'the store is closing');
      while (gathering.length > 0 || flushing !== undefined)
        await (flushing ?? new Promise((resolve) => setImmediate(resolve)));
      await segments.saveIndex().catch(() => {});
      await segments.close();
      readAhead.forget(deps);
      tail.release();
    },
  };
}
