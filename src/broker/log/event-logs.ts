import type { CommitMeter } from '../store/index.js';
import type { LogDisk } from './disk.js';
import { type ClosableEventLog, createEventLog, type EventLog } from './event-log.js';
import { createTailMemory } from './memory.js';
import { foldersBeside } from './mend.js';
import { folderName } from './names.js';
import { createReadAhead } from './read-ahead.js';
import { corrupt, unknown } from './recovery.js';
import { openSegments } from './segments.js';

/**
 * The event logs of all partitions, beside the Store: append-only files, where LevelDB would write every event twice or
 * more, and copy it on the main thread.
 *
 * Each partition has files of its own. One journal for all of them would save little (measured with O_DSYNC and 512 KiB
 * a round: 0.4 ms of CPU for 4 files in parallel, 0.25 ms for one; the waiting is the same), and would cost every reader
 * the events of the others, and a compaction where hubs differ in their retention.
 *
 * Group commit: while the files are being written, the appends of all partitions gather and then go together, one write
 * for each file.
 */
export interface EventLogs {
  /**
   * Opens the log of a partition, or begins it.
   * @throws BrokerError PS_BROKER_STORE_CORRUPT when acknowledged events are missing or damaged at its end.
   */
  open(id: number, known: KnownState): Promise<EventLog>;
  /** Removes a log with everything in it. */
  remove(id: number): Promise<void>;
  /**
   * Whether there are events of these logs only.
   * @throws BrokerError PS_BROKER_STORE_CORRUPT for events of another: who should know of it lost that.
   */
  ensureKnown(ids: ReadonlySet<number>): Promise<void>;
  /** Bytes that wait for the disk. */
  pendingBytes(): number;
  /** Refuses further appends, and resolves when everything that waits is durable. */
  close(): Promise<void>;
}

/** What was known of a log at a time when all of it was durable. */
interface KnownState {
  readonly nextSequence: number;
  readonly firstSequence: number;
  readonly maxBytes: () => number;
}

export interface EventLogsOptions {
  readonly segmentBytes: number;
  /** The newest events of all partitions that stay in memory. */
  readonly memoryBytes: number;
  readonly blockBytes: number;
  readonly readAheadBytes: number;
}

const MIB = 1024 * 1024;

export const defaultEventLogsOptions: EventLogsOptions = {
  // What a start may have to read of each partition after a crash.
  segmentBytes: 32 * MIB,
  memoryBytes: 64 * MIB,
  blockBytes: MIB,
  readAheadBytes: 16 * MIB,
};

/** A log that may be small has small segments, so that removing one does not take most of it. */
const segmentBytesFor = (segmentBytes: number, maxBytes: number): number =>
  Math.min(segmentBytes, Math.max(MIN_SEGMENT_BYTES, Math.floor(maxBytes / 8)));
const MIN_SEGMENT_BYTES = 64 * 1024;

export interface EventLogsListener {
  /** Memory has run ahead of the disk in a way that only a restart mends. */
  readonly onFailure?: (error: unknown) => void;
  /** Is told of each write to a file. */
  readonly meter?: CommitMeter;
}

export function createEventLogs(
  disk: LogDisk,
  options: EventLogsOptions,
  { onFailure = () => {}, meter }: EventLogsListener = {},
): EventLogs {
  const pending = { bytes: 0 };
  const memory = createTailMemory({ budgetBytes: options.memoryBytes, blockBytes: options.blockBytes });
  const readAhead = createReadAhead(options.readAheadBytes);
  const logs = new Map<number, ClosableEventLog>();
  let waiting = new Set<() => Promise<void>>();
  let running = false;

  const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

  async function run(): Promise<void> {
    // One turn of the event loop, so that what other sockets have brought in the same turn goes along.
    await nextTurn();
    while (waiting.size > 0) {
      const round = [...waiting];
      waiting = new Set();
      await Promise.all(round.map((flush) => flush()));
      // Lets the answers bring new work before the next round.
      await nextTurn();
    }
    running = false;
  }

  function schedule(flush: () => Promise<void>): void {
    waiting.add(flush);
    if (running) return;
    running = true;
    void run();
  }

  return {
    async open(id, known) {
      const folder = folderName(id);
      const segments = await openSegments(disk, folder);
      const next = segments.newest().nextSequence();
      if (next < known.nextSequence) {
        await segments.close();
        throw corrupt(folder, '', `ends before event ${next}; ${known.nextSequence} were on disk`);
      }
      const log = createEventLog({
        name: folder,
        segments,
        tail: memory.tail(),
        readAhead,
        segmentBytes: () => segmentBytesFor(options.segmentBytes, known.maxBytes()),
        schedule,
        onFailure,
        meter,
        pending,
        firstSequence: known.firstSequence,
        lostAtEnd: await segments.lostAtEnd(),
      });
      logs.set(id, log);
      return log;
    },

    async remove(id) {
      await logs.get(id)?.close();
      logs.delete(id);
      await disk.removeFolder(folderName(id));
    },

    async ensureKnown(ids) {
      const [folder] = await foldersBeside(disk, ids);
      if (folder !== undefined) throw unknown(folder);
    },

    pendingBytes: () => pending.bytes,

    async close() {
      await Promise.all([...logs.values()].map((log) => log.close()));
      logs.clear();
    },
  };
}
